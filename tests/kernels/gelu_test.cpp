#include "linformer/kernels/gelu.h"

#include "torch_test_support.h"

namespace linformer {
namespace {

using testing::expect_gradients_match;
using testing::relative_difference;

TEST(BiasGelu, EqualsTheExactFormInFloat) {
  const at::Tensor x = at::linspace(-12.0, 12.0, 4096).view({64, 64});
  const at::Tensor bias = at::linspace(-0.5, 0.5, 64);
  const at::Tensor expected = at::gelu((x + bias).to(at::kDouble));
  EXPECT_LT(relative_difference(bias_gelu(x, bias), expected), 1e-7);
}

TEST(BiasGelu, TanhFormInFloatAndItsGradients) {
  const at::Tensor x = at::linspace(-12.0, 12.0, 4096).view({64, 64});
  const at::Tensor bias = at::linspace(-0.5, 0.5, 64);
  const at::Tensor expected = at::gelu((x + bias).to(at::kDouble), "tanh");
  EXPECT_LT(relative_difference(bias_gelu(x, bias, GeluForm::kTanh), expected), 1e-6);
  at::manual_seed(3);
  const at::Tensor weight = at::randn({5, 7}, at::kDouble);
  expect_gradients_match(
      [&](const auto& in) { return (bias_gelu(in[0], in[1], GeluForm::kTanh) * weight).sum(); },
      {at::randn({5, 7}, at::kDouble) * 2, at::randn({7}, at::kDouble)});
  at::Tensor xs = (at::randn({33, 40}) * 3).set_requires_grad(true);
  at::Tensor doubles = xs.detach().to(at::kDouble).set_requires_grad(true);
  const auto ours =
      torch::autograd::grad({bias_gelu(xs, at::zeros({40}), GeluForm::kTanh).sum()}, {xs});
  const auto theirs = torch::autograd::grad({at::gelu(doubles, "tanh").sum()}, {doubles});
  EXPECT_LT(relative_difference(ours[0], theirs[0]), 3e-6);  // the cube takes a digit
}

TEST(BiasGelu, KeepsTheSmallNegativeTail) {
  const at::Tensor x = at::full({1, 1}, -5.0f);
  // -5 * Phi(-5) = -5 * 2.866516e-7
  EXPECT_NEAR(bias_gelu(x, at::zeros({1})).item<float>(), -1.433258e-6, 1e-8);
}

TEST(BiasGelu, GradientsMatchFiniteDifferences) {
  at::manual_seed(1);
  const at::Tensor weight = at::randn({5, 7}, at::kDouble);
  expect_gradients_match([&](const auto& in) { return (bias_gelu(in[0], in[1]) * weight).sum(); },
                         {at::randn({5, 7}, at::kDouble) * 2, at::randn({7}, at::kDouble)});
}

TEST(BiasGelu, FloatGradientEqualsDoubleGradient) {
  at::manual_seed(2);
  at::Tensor x = (at::randn({33, 40}) * 3).set_requires_grad(true);
  at::Tensor b = at::randn({40}).set_requires_grad(true);
  const auto grads = torch::autograd::grad({bias_gelu(x, b).sum()}, {x, b});
  at::Tensor xd = x.detach().to(at::kDouble).set_requires_grad(true);
  at::Tensor bd = b.detach().to(at::kDouble).set_requires_grad(true);
  const auto expected = torch::autograd::grad({at::gelu(xd + bd).sum()}, {xd, bd});
  EXPECT_LT(relative_difference(grads[0], expected[0]), 1e-6);
  EXPECT_LT(relative_difference(grads[1], expected[1]), 1e-6);
}

TEST(BiasGelu, PassesNotANumberOn) {
  at::Tensor x = at::zeros({1, 16});
  x[0][3] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor y = bias_gelu(x, at::zeros({16}));
  EXPECT_TRUE(std::isnan(y[0][3].item<float>()));
  EXPECT_EQ(y.isnan().sum().item<int64_t>(), 1);
}

}  // namespace
}  // namespace linformer
