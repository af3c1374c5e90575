#include "linformer/kernels/depthwise_convolution.h"

#include "torch_test_support.h"

namespace linformer {
namespace {

using testing::expect_gradients_match;
using testing::relative_difference;

TEST(DepthwiseConvolution, HandComputed) {
  // one channel, x = 1 2 3, taps 10 1 100: y_i = 10 x_{i-1} + x_i + 100 x_{i+1}
  const at::Tensor x = at::tensor({1.0f, 2.0f, 3.0f}).view({1, 3, 1});
  const at::Tensor taps = at::tensor({10.0f, 1.0f, 100.0f}).view({1, 1, 3});
  const at::Tensor base = at::tensor({1000.0f, 2000.0f, 3000.0f}).view({1, 3, 1});
  const at::Tensor expected = at::tensor({1201.0f, 2312.0f, 3023.0f}).view({1, 3, 1});
  EXPECT_TRUE(at::equal(add_depthwise_convolution(base, x, taps), expected));
}

TEST(DepthwiseConvolution, EqualsLibTorch) {
  at::manual_seed(10);
  const at::Tensor x = at::randn({3, 20, 12}), taps = at::randn({12, 1, 5});
  const at::Tensor expected = at::conv1d(x.transpose(1, 2), taps, {}, 1, 2, 1, 12).transpose(1, 2);
  EXPECT_LT(relative_difference(add_depthwise_convolution(at::zeros_like(x), x, taps), expected),
            1e-6);
}

TEST(DepthwiseConvolution, GradientsMatchFiniteDifferences) {
  at::manual_seed(11);
  const at::Tensor upstream = at::randn({2, 4, 3}, at::kDouble);
  expect_gradients_match(
      [&](const auto& in) {
        return (add_depthwise_convolution(in[0], in[1], in[2]) * upstream).sum();
      },
      {at::randn({2, 4, 3}, at::kDouble), at::randn({2, 4, 3}, at::kDouble),
       at::randn({3, 1, 5}, at::kDouble)});
}

}  // namespace
}  // namespace linformer
