#include "linformer/analysis/operation_counter.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linformer/core/error.h"
#include "linformer/kernels/attention.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

int64_t count(const std::function<void()>& action) {
  return count_operations({}, action).other_multiply_adds;
}

TEST(OperationCounter, CountsEachProductByHand) {
  const at::Tensor a = at::ones({2, 3}), b = at::ones({3, 5}), bias = at::ones({5});
  EXPECT_EQ(count([&] { at::mm(a, b); }), 2 * 3 * 5);
  EXPECT_EQ(count([&] { at::addmm(bias, a, b); }), 2 * 3 * 5);
  EXPECT_EQ(count([&] { at::mm(a, at::ones({5, 3}).t()); }), 2 * 3 * 5);
  EXPECT_EQ(count([&] { at::mv(a, at::ones({3})); }), 2 * 3);
  const at::Tensor batch = at::ones({7, 2, 3});
  EXPECT_EQ(count([&] { at::bmm(batch, b.expand({7, 3, 5})); }), 7 * 2 * 3 * 5);
  // matmul is split into other operators, which count.
  EXPECT_EQ(count([&] { at::matmul(batch, b); }), 7 * 2 * 3 * 5);
  const at::Tensor heads = at::ones({7, 4, 2, 3});
  EXPECT_EQ(count([&] { at::matmul(heads, heads.transpose(2, 3)); }), 7 * 4 * 2 * 3 * 2);
  EXPECT_EQ(count([&] { at::matmul(b.t(), heads.transpose(2, 3)); }), 7 * 4 * 5 * 3 * 2);
  // 6 channels in two groups to 4, 3 taps, 10 - 2 positions: 2 x 4 x 8 numbers of 3 x 3 each.
  EXPECT_EQ(count([&] {
              at::conv1d(at::ones({2, 6, 10}), at::ones({4, 3, 3}), {}, 1, at::IntArrayRef{0}, 1,
                         /*groups=*/2);
            }),
            2 * 4 * 8 * 9);
}

TEST(OperationCounter, SeparatesProductsWithWeights) {
  const at::Tensor weight = at::ones({3, 3}), x = at::ones({4, 3});
  const OperationCounts counts = count_operations({weight}, [&] {
    const at::Tensor y = at::mm(x, weight.t());  // a view of the weight
    at::mm(y, y.t());
  });
  EXPECT_EQ(counts.weight_multiply_adds, 4 * 3 * 3);
  EXPECT_EQ(counts.other_multiply_adds, 4 * 3 * 4);
  EXPECT_EQ(counts.num_calls, 2);
}

TEST(OperationCounter, CountsCallsThatCompute) {
  const at::Tensor x = at::ones({4, 4});
  const OperationCounts counts =
      count_operations({}, [&] { at::softmax(at::mm(x, x) * 2.0, -1).view({16}).unsqueeze(0); });
  EXPECT_EQ(counts.num_calls, 3);  // product, multiplication, softmax
}

TEST(OperationCounter, SeesTheProductsOfOwnKernels) {
  const at::Tensor x = at::ones({1, 8, 4});
  const OperationCounts counts =
      count_operations({}, [&] { dropout_attention(x, x, x, 2, {}, {}); });
  EXPECT_EQ(counts.other_multiply_adds, 2 * 8 * 8 * 4);
  EXPECT_EQ(counts.num_calls, 1);
}

TEST(OperationCounter, RefusesOperatorsThatItDoesNotKnow) {
  const at::Tensor q = at::ones({1, 2, 4, 8});
  try {
    count_operations({}, [&] {
      at::scaled_dot_product_attention(q, q, q);
      at::mm(q[0][0], q[0][1].t());
    });
    FAIL() << "fused attention was counted as 0";
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("aten::scaled_dot_product_attention"),
                                    Not(HasSubstr("aten::mm")), HasSubstr("\n  fix: ")));
  }
  // The observation has ended.
  EXPECT_EQ(count([] {}), 0);
}

}  // namespace
}  // namespace linformer
