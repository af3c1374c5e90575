#include "linformer/kernels/weight_product.h"

#include "kernels/cpu/weight_product.h"
#include "torch_test_support.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

using testing::relative_difference;

struct Case {
  at::Tensor x, weight, bias;
};

std::vector<at::Tensor> value_and_gradients(const Case& given, at::ScalarType type) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& tensor : {given.x, given.weight, given.bias}) {
    if (tensor.defined()) leaves.push_back(tensor.detach().to(type).set_requires_grad(true));
  }
  const at::Tensor bias = leaves.size() == 3 ? leaves[2] : at::Tensor();
  const at::Tensor value = weight_product(leaves[0], leaves[1], bias);
  at::manual_seed(3);
  const at::Tensor upstream = at::randn(value.sizes()).to(type);
  std::vector<at::Tensor> result = torch::autograd::grad({value}, leaves, {upstream});
  result.push_back(value.detach());
  return result;
}

// In double it is LibTorch's product; in float possibly oneDNN's, forward and backward.
TEST(WeightProduct, InFloatIsThatOfDouble) {
  at::manual_seed(1);
  const std::vector<Case> cases{
      {at::randn({1, 1}), at::randn({1, 1}), {}},
      {at::randn({7, 5}), at::randn({3, 5}), at::randn({3})},
      {at::randn({130, 64}), at::randn({257, 64}), at::randn({257})},
      {at::randn({300, 256}), at::randn({128, 256}), {}},
      {at::randn({64, 333}).t(), at::randn({120, 64}), {}},                // x with other strides
      {at::randn({200, 160}), at::randn({160, 40}).t(), at::randn({40})},  // and the weight
      {at::randn({0, 4}), at::randn({3, 4}), at::randn({3})}};
  for (size_t i = 0; i < cases.size(); ++i) {
    const auto expected = value_and_gradients(cases[i], at::kDouble);
    const auto ours = value_and_gradients(cases[i], at::kFloat);
    for (size_t t = 0; t < expected.size(); ++t) {
      ASSERT_EQ(ours[t].sizes(), expected[t].sizes()) << i << " " << t;
      if (ours[t].numel() == 0) continue;
      EXPECT_LT((ours[t].to(at::kDouble) - expected[t]).abs().max().item<double>(),
                1e-5 * std::max(1.0, expected[t].abs().max().item<double>()))
          << i << " " << t;
    }
  }
}

TEST(WeightProduct, GradientsAreComputedWhereTheyAreWanted) {
  const at::Tensor x = at::randn({4, 6});
  const at::Tensor weight = at::randn({5, 6}).set_requires_grad(true);
  weight_product(x, weight).sum().backward();
  EXPECT_LT(relative_difference(weight.grad(), x.sum(0).expand({5, 6})), 1e-5);
  EXPECT_FALSE(x.grad().defined());
  const at::Tensor inner = at::randn({4, 6}).set_requires_grad(true);
  weight_product(inner, weight.detach()).sum().backward();
  EXPECT_LT(relative_difference(inner.grad(), weight.detach().sum(0).expand({4, 6})), 1e-5);
}

TEST(WeightProduct, IsInTheLowTypeUnderMixedPrecision) {
  const at::Tensor x = at::randn({4, 6});
  const at::Tensor weight = at::randn({5, 6}).set_requires_grad(true);
  const AutocastScope scope{MixedPrecision(Precision::kBf16)};
  const at::Tensor value = weight_product(x, weight, at::randn({5}));
  EXPECT_EQ(value.scalar_type(), at::kBFloat16);
}

TEST(FloatProducts, RepeatTheirBits) {
  if (!cpu::has_float_products(at::kFloat)) GTEST_SKIP() << "this CPU multiplies with BLAS";
  const at::Tensor x = at::randn({300, 128});
  const at::Tensor weight = at::randn({77, 128});
  const at::Tensor first = cpu::multiply_floats(x, weight);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(at::equal(cpu::multiply_floats(x, weight), first));
}

TEST(WeightProduct, RefusesOtherShapes) {
  EXPECT_THROW(weight_product(at::ones({2, 3}), at::ones({4, 2})), c10::Error);
  EXPECT_THROW(weight_product(at::ones({2, 3}), at::ones({4, 3}), at::ones({3})), c10::Error);
}

}  // namespace
}  // namespace linformer
