#include "linformer/dist/parameter_shards.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dist/process_threads.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;

TEST(ParameterShards, OwnersAreBalanced) {
  // 8 to rank 0; 5 to rank 1; 4 to rank 1 (9 against 8); then 2 to rank 0 (10 against 9); 1 to 1.
  EXPECT_THAT(assign_owners({4, 8, 1, 5, 2}, 2), ElementsAre(1, 0, 1, 1, 0));
  EXPECT_THAT(assign_owners({3, 3, 3}, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(assign_owners({7, 1}, 1), ElementsAre(0, 0));
  EXPECT_THAT(assign_owners({7}, 4), ElementsAre(0));
}

TEST(ParameterShards, SharesWhatEachUpdated) {
  as_processes(3, [](ProcessGroup& group) {
    std::vector<at::Tensor> parameters;
    for (int64_t i = 0; i < 4; ++i) {
      parameters.push_back(at::zeros({i + 1}).set_requires_grad(true));
    }
    const ParameterShards shards(group, parameters);
    for (size_t i = 0; i < 4; ++i) {
      const at::NoGradGuard no_grad;
      if (shards.owns(i)) parameters[i].fill_(static_cast<double>(10 * group.rank() + 1));
    }
    shards.share();
    for (size_t i = 0; i < 4; ++i) {
      const auto expected = static_cast<float>(10 * shards.owner(i) + 1);
      EXPECT_TRUE(at::equal(parameters[i], at::full_like(parameters[i], expected))) << i;
    }
  });
}

}  // namespace
}  // namespace linformer
