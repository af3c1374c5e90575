#include "nn/recompute.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

/// Type of the product and gradient of the weight for f(x) = x W, recomputed or not.
struct Outcome {
  std::vector<at::ScalarType> types;  // of the product, in each run of the function
  at::Tensor gradient;
};

Outcome run(Precision precision, bool recompute) {
  const at::Tensor x = at::tensor({1.0f, 0.3f, -0.7f, 0.11f}).view({2, 2}).set_requires_grad(true);
  const at::Tensor weight = at::tensor({0.1f, 0.2f, 0.3f, 0.4f}).view({2, 2});
  at::Tensor leaf = weight.clone().set_requires_grad(true);
  Outcome outcome;
  const LayerFunction function = [&](const Tensors& in, ForwardContext&) {
    const at::Tensor product = at::mm(in[0], cast_weight(leaf));
    outcome.types.push_back(product.scalar_type());
    return Tensors{to_full(product)};
  };
  ForwardContext context;
  at::Tensor output;
  {
    const AutocastScope scope{MixedPrecision(precision)};
    output = recompute ? forward_and_recompute(function, {x}, {leaf}, context).front()
                       : function({x}, context).front();
  }
  output.pow(3).sum().backward();
  outcome.gradient = leaf.grad();
  return outcome;
}

TEST(Recompute, RunsAgainInThePrecisionOfTheForwardPass) {
  for (const auto precision : {Precision::kFp32, Precision::kBf16, Precision::kFp16}) {
    const Outcome kept = run(precision, false);
    const Outcome again = run(precision, true);
    const at::ScalarType type = MixedPrecision(precision).type();
    EXPECT_EQ(kept.types, (std::vector<at::ScalarType>{type}));
    EXPECT_EQ(again.types, (std::vector<at::ScalarType>{type, type}));
    // The weight's copy of the forward pass has no gradient; the one of the backward pass must.
    ASSERT_TRUE(again.gradient.defined());
    EXPECT_EQ(again.gradient.scalar_type(), at::kFloat);
    EXPECT_TRUE(at::equal(again.gradient, kept.gradient));
  }
}

TEST(Recompute, LeavesNoPrecisionBehind) {
  run(Precision::kBf16, true);
  EXPECT_EQ(AutocastScope::current().precision(), Precision::kFp32);
  EXPECT_EQ(at::mm(at::ones({2, 2}), at::ones({2, 2})).scalar_type(), at::kFloat);
}

}  // namespace
}  // namespace linformer
