#include "linformer/nn/sequence_pooling.h"

#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "torch_test_support.h"

namespace linformer {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

at::Tensor rows(const std::vector<double>& values, int64_t batch, int64_t channels) {
  return at::tensor(values, at::kDouble).view({batch, -1, channels});
}

TEST(MeanPool, DividesByTheTokensOfAWindow) {
  // windows (1, 3), (5, padding), and one that the sequence does not reach
  const at::Tensor mask = at::tensor({1, 1, 1, 0}).view({1, 4}).to(at::kBool);
  const at::Tensor pooled = mean_pool_sequence(rows({1, 3, 5, kNan}, 1, 1), mask, 3, 2);
  EXPECT_TRUE(at::equal(pooled, rows({2, 5, 0}, 1, 1)));
}

TEST(MaxPool, IgnoresPaddingAndGivesZeroForNothing) {
  // channels (1, -3, | -5, padding) and (-1, 3, | -7, padding): padding's 0 or NaN never wins
  const at::Tensor mask = at::tensor({1, 1, 1, 0}).view({1, 4}).to(at::kBool);
  const at::Tensor pooled =
      max_pool_sequence(rows({1, -1, -3, 3, -5, -7, kNan, kNan}, 1, 2), mask, 3, 2);
  EXPECT_TRUE(at::equal(pooled, rows({1, 3, -5, -7, 0, 0}, 1, 2)));
}

TEST(ConvolveSequence, DepthwiseByHand) {
  // channel 0 has taps (1, 10), channel 1 has (2, 0); the second window is cut off by the end
  const at::Tensor weight = at::tensor({1., 10., 2., 0.}, at::kDouble).view({2, 1, 2});
  const at::Tensor y = convolve_sequence(rows({1, 4, 2, 5, 3, 6}, 1, 2), weight, 2);
  EXPECT_TRUE(at::equal(y, rows({21, 8, 3, 12}, 1, 2)));
}

TEST(ConvolveSequence, EqualsAConvolutionWithStride) {
  at::manual_seed(1);
  const at::Tensor x = at::randn({2, 12, 6}, at::kDouble);
  for (const int64_t mixed : {1, 3}) {
    const at::Tensor weight = at::randn({6, mixed, 4}, at::kDouble);
    const at::Tensor expected =
        at::conv1d(x.transpose(1, 2), weight, {}, /*stride=*/4, /*padding=*/at::IntArrayRef{0},
                   /*dilation=*/1, /*groups=*/6 / mixed)
            .transpose(1, 2);
    EXPECT_LT(testing::relative_difference(convolve_sequence(x, weight, 3), expected), 1e-12);
  }
}

TEST(WindowsWithTokens, AreThoseWithAnyToken) {
  const at::Tensor mask = at::tensor({1, 1, 1, 0, 1, 0, 0, 0}).view({2, 4}).to(at::kBool);
  EXPECT_TRUE(at::equal(windows_with_tokens(mask, 2, 4, 3, 2, at::kDouble),
                        rows({1, 1, 0, 1, 0, 0}, 2, 1)));
  EXPECT_TRUE(at::equal(windows_with_tokens({}, 1, 3, 3, 2, at::kDouble), rows({1, 1, 0}, 1, 1)));
}

}  // namespace
}  // namespace linformer
