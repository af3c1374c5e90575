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

// In bf16, forward and backward, against double with the same rounded numbers. Rows below, at and
// above whole blocks.
TEST(WeightProduct, InBf16IsThatOfDoubleAtAnyNumberOfRows) {
  at::manual_seed(4);
  for (const int64_t rows : {1, 63, 64, 65, 127, 128, 300}) {
    for (const bool with_bias : {false, true}) {
      const at::Tensor x = at::randn({rows, 1024}).to(at::kBFloat16);
      const at::Tensor weight = at::randn({520, 1024}).to(at::kBFloat16);
      const at::Tensor bias = with_bias ? at::randn({520}).to(at::kBFloat16) : at::Tensor();
      const auto expected = value_and_gradients({x, weight, bias}, at::kDouble);
      std::vector<at::Tensor> ours;
      {
        const AutocastScope scope{MixedPrecision(Precision::kBf16)};
        std::vector<at::Tensor> leaves{x.to(at::kFloat).set_requires_grad(true),
                                       weight.to(at::kFloat).set_requires_grad(true)};
        if (with_bias) leaves.push_back(bias.to(at::kFloat).set_requires_grad(true));
        const at::Tensor value =
            weight_product(leaves[0], leaves[1], with_bias ? leaves[2] : at::Tensor());
        ASSERT_EQ(value.scalar_type(), at::kBFloat16);
        at::manual_seed(3);
        const at::Tensor upstream = at::randn(value.sizes()).to(at::kBFloat16);
        ours = torch::autograd::grad({value}, leaves, {upstream});
        ours.push_back(value.detach());
      }
      ASSERT_EQ(ours.size(), expected.size());
      for (size_t t = 0; t < expected.size(); ++t) {
        ASSERT_EQ(ours[t].sizes(), expected[t].sizes());
        // bf16 keeps 8 bits; the upstream gradient is rounded to it, too.
        EXPECT_LT(relative_difference(ours[t], expected[t]), 1e-2)
            << rows << " rows, bias " << with_bias << ", tensor " << t;
      }
    }
  }
}

// Below, at and above whole blocks of rows.
TEST(LowProducts, AreThoseOfEachRow) {
  const at::Tensor x = at::randn({150, 96}).to(at::kBFloat16);
  const at::Tensor weight = at::randn({40, 96}).to(at::kBFloat16);
  const at::Tensor expected = x.to(at::kDouble).mm(weight.to(at::kDouble).t());
  for (const int64_t rows : {1, 5, 64, 100, 150}) {
    const at::Tensor some = cpu::multiply_low(x.narrow(0, 0, rows), weight);
    ASSERT_EQ(some.size(0), rows);
    EXPECT_LT(relative_difference(some, expected.narrow(0, 0, rows)), 1e-2) << rows;
    const at::Tensor other = at::randn({rows, 24}).to(at::kBFloat16);
    EXPECT_LT(
        relative_difference(cpu::multiply_low_over_rows(other, x.narrow(0, 0, rows)),
                            other.to(at::kDouble).t().mm(x.narrow(0, 0, rows).to(at::kDouble))),
        1e-2)
        << rows;
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
