#include "linformer/kernels/layer_norm.h"

#include "torch_test_support.h"

namespace linformer {
namespace {

using testing::expect_gradients_match;
using testing::relative_difference;

TEST(LayerNorm, HandComputedRow) {
  // mean 3, deviations -2, 0, 0, 2: variance 2; with epsilon 2 the divisor is exactly 2
  const at::Tensor x = at::tensor({1.0f, 3.0f, 3.0f, 5.0f}).view({1, 4});
  const at::Tensor weight = at::tensor({1.0f, 1.0f, 2.0f, 3.0f});
  const at::Tensor shift = at::tensor({0.0f, 10.0f, 20.0f, 30.0f});
  const at::Tensor expected = at::tensor({-1.0f, 10.0f, 20.0f, 33.0f}).view({1, 4});
  EXPECT_TRUE(at::equal(layer_norm(x, weight, shift, 2.0), expected));
}

TEST(LayerNorm, FusedTailEqualsItsParts) {
  at::manual_seed(3);
  const DropoutSite site{0.2, 41};
  const at::Tensor x = at::randn({37, 96}), residual = at::randn({37, 96});
  const at::Tensor bias = at::randn({96}), weight = at::randn({96}), shift = at::randn({96});
  const ResidualNorm fused =
      bias_dropout_residual_layer_norm(x, bias, residual, weight, shift, 1e-5, site);
  const at::Tensor sum = residual + (x + bias) * dropout_scale({37, 96}, at::kFloat, site);
  EXPECT_LT(relative_difference(fused.sum, sum), 1e-6);
  EXPECT_LT(relative_difference(fused.normalized, at::layer_norm(sum, {96}, weight, shift, 1e-5)),
            1e-6);
}

TEST(RmsNorm, HandComputedRowAndGradients) {
  // (3, 4, 0, 5): mean square 50 / 4, root 3.5355; no mean is taken off
  const at::Tensor x = at::tensor({3., 4., 0., 5.}, at::kDouble).view({1, 4});
  const at::Tensor weight = at::tensor({1., 2., 1., -1.}, at::kDouble);
  const double root = std::sqrt(12.5);
  const at::Tensor expected =
      at::tensor({3 / root, 8 / root, 0., -5 / root}, at::kDouble).view({1, 4});
  EXPECT_LT(relative_difference(layer_norm(x, weight, {}, 0.0), expected), 1e-12);
  at::manual_seed(4);
  const at::Tensor upstream = at::randn({3, 4}, at::kDouble);
  const at::Tensor sum_upstream = at::randn({3, 4}, at::kDouble);
  expect_gradients_match(
      [&](const auto& in) {
        const ResidualNorm result =
            bias_dropout_residual_layer_norm(in[0], in[1], in[2], in[3], {}, 1e-5, {0.3, 9});
        return (result.normalized * upstream).sum() + (result.sum * sum_upstream).sum();
      },
      {at::randn({3, 4}, at::kDouble), at::randn({4}, at::kDouble), at::randn({3, 4}, at::kDouble),
       at::randn({4}, at::kDouble)});
}

TEST(LayerNorm, GradientsMatchFiniteDifferences) {
  at::manual_seed(4);
  const at::TensorOptions options = at::kDouble;
  const at::Tensor on_sum = at::randn({4, 6}, options), on_norm = at::randn({4, 6}, options);
  for (const double probability : {0.0, 0.4}) {
    expect_gradients_match(
        [&](const auto& in) {
          const ResidualNorm out = bias_dropout_residual_layer_norm(in[0], in[1], in[2], in[3],
                                                                    in[4], 1e-5, {probability, 17});
          return (out.sum * on_sum + out.normalized * on_norm).sum();
        },
        {at::randn({4, 6}, options), at::randn({6}, options), at::randn({4, 6}, options),
         at::randn({6}, options), at::randn({6}, options)});
  }
}

TEST(LayerNorm, OnlyTheNormIsUsed) {
  at::manual_seed(5);
  const at::Tensor on_norm = at::randn({3, 8}, at::kDouble);
  expect_gradients_match(
      [&](const auto& in) { return (layer_norm(in[0], in[1], in[2], 1e-5) * on_norm).sum(); },
      {at::randn({3, 8}, at::kDouble), at::randn({8}, at::kDouble), at::randn({8}, at::kDouble)});
}

}  // namespace
}  // namespace linformer
