#include "linformer/dist/gradient_reducer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dist/process_threads.h"

namespace linformer {
namespace {

at::Tensor leaf(std::vector<float> values) {
  return at::tensor(values).set_requires_grad(true);
}

TEST(GradientReducer, AloneItIsTheBackwardPass) {
  ProcessGroup group;
  const at::Tensor a = leaf({1, 2});
  GradientReducer reducer(group, {{"a", a}});
  reducer.accumulate((a * 2).sum());
  reducer.accumulate_and_sum((a * 3).sum());
  EXPECT_TRUE(at::equal(a.grad(), at::tensor({5.f, 5.f})));
}

TEST(GradientReducer, SumsOverProcessesAndMicroBatches) {
  as_processes(2, [](ProcessGroup& group) {
    at::Tensor a = leaf({1, 2});
    at::Tensor b = leaf({3});
    GradientReducer reducer(group, {{"a", a}, {"b", b}});
    const double factor = group.rank() == 0 ? 1.0 : 10.0;
    for (int step = 0; step < 3; ++step) {
      // grad of a: two micro-batches of factor * b; of b: twice factor * (1 + 2)
      reducer.accumulate((a * b * factor).sum());
      EXPECT_EQ(b.grad().item<float>(), 3 * factor) << "nothing travels before the last";
      reducer.accumulate_and_sum((a * b * factor).sum());
      EXPECT_TRUE(at::equal(a.grad(), at::tensor({66.f, 66.f})));  // 2 * 3 * (1 + 10)
      EXPECT_EQ(b.grad().item<float>(), 66.f);                     // 2 * 3 * (1 + 10)
      a.mutable_grad().reset();
      b.mutable_grad().reset();
    }
  });
}

TEST(GradientReducer, AParameterWithoutAGradientHoldsNobodyUp) {
  as_processes(2, [](ProcessGroup& group) {
    at::Tensor everywhere = leaf({1});
    at::Tensor on_first = leaf({2});
    at::Tensor early = leaf({3});  // used on rank 1, in the first micro-batch only
    at::Tensor nowhere = leaf({4});
    GradientReducer reducer(group, {{"everywhere", everywhere},
                                    {"on_first", on_first},
                                    {"early", early},
                                    {"nowhere", nowhere}});
    for (int step = 0; step < 2; ++step) {
      reducer.accumulate(group.rank() == 1 ? (everywhere * early).sum() : everywhere.sum());
      reducer.accumulate_and_sum(group.rank() == 0 ? (everywhere * on_first).sum()
                                                   : everywhere.sum());
      EXPECT_EQ(everywhere.grad().item<float>(), 7.f);  // 1 + 2 on rank 0, 3 + 1 on rank 1
      EXPECT_EQ(on_first.grad().item<float>(), 1.f);
      EXPECT_EQ(early.grad().item<float>(), 1.f);
      EXPECT_FALSE(nowhere.grad().defined() && nowhere.grad().item<float>() != 0.f);
      for (at::Tensor* tensor : {&everywhere, &on_first, &early, &nowhere}) {
        tensor->mutable_grad().reset();
      }
    }
  });
}

TEST(GradientReducer, FrozenParametersTakeNoPart) {
  as_processes(2, [](ProcessGroup& group) {
    const at::Tensor frozen = at::tensor({5.f});
    const at::Tensor a = leaf({1});
    GradientReducer reducer(group, {{"frozen", frozen}, {"a", a}});
    reducer.accumulate_and_sum((a * frozen).sum());
    EXPECT_EQ(a.grad().item<float>(), 10.f);
    EXPECT_FALSE(frozen.grad().defined());
  });
}

TEST(GradientReducer, ASparseAndADenseGradientOfOneTable) {
  // As a tied table of words: looked up, and multiplied by the head.
  as_processes(2, [](ProcessGroup& group) {
    at::Tensor table = at::ones({3, 2}).set_requires_grad(true);
    GradientReducer reducer(group, {{"table", table}});
    const at::Tensor ids = at::tensor({group.rank()}, at::kLong);
    for (int step = 0; step < 2; ++step) {
      const at::Tensor looked_up = at::embedding(table, ids, -1, false, /*sparse=*/true);
      reducer.accumulate_and_sum(looked_up.sum() + (table * 2).sum());
      // 2 + 2 everywhere, and 1 in row 0 (rank 0) and row 1 (rank 1)
      EXPECT_TRUE(at::equal(table.grad(), at::tensor({5.f, 5.f, 5.f, 5.f, 4.f, 4.f}).view({3, 2})));
      table.mutable_grad().reset();
    }
  });
}

TEST(GradientReducer, ManyBucketsGiveTheSameBitsAsOne) {
  std::vector<at::Tensor> results;
  for (const double megabytes : {25.0, 0.001}) {
    DistributedConfig config;
    config.bucket_megabytes = megabytes;
    as_processes(
        2,
        [&](ProcessGroup& group) {
          std::vector<std::pair<std::string, at::Tensor>> parameters;
          at::Tensor loss = at::zeros({});
          for (int i = 0; i < 20; ++i) {
            const at::Tensor values = at::arange(100, at::kFloat) * (0.1 * (i + 1));
            parameters.emplace_back(std::to_string(i), values.set_requires_grad(true));
            loss = loss + (values * values * (0.3 + static_cast<double>(group.rank()))).sum();
          }
          GradientReducer reducer(group, parameters);
          reducer.accumulate_and_sum(loss);
          if (!group.is_first()) return;
          std::vector<at::Tensor> gradients;
          for (const auto& [name, tensor] : parameters) gradients.push_back(tensor.grad());
          results.push_back(at::cat(gradients).clone());
        },
        config);
  }
  EXPECT_TRUE(at::equal(results[0], results[1]));
}

TEST(GradientReducer, AProcessThatIsGoneIsNamedAsTheReason) {
  std::string message;
  EXPECT_THROW(as_processes(2,
                            [&](ProcessGroup& group) {
                              const at::Tensor a = leaf({1, 2});
                              GradientReducer reducer(group, {{"a", a}});
                              if (group.rank() == 1) return;
                              try {
                                reducer.accumulate_and_sum(a.sum());
                              } catch (const PeerError& error) {
                                message = error.what();
                                throw;
                              }
                            }),
               PeerError);
  EXPECT_THAT(message, ::testing::HasSubstr("summing the gradients failed"));
}

}  // namespace
}  // namespace linformer
