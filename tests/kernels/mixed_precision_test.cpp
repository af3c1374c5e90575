#include "linformer/kernels/mixed_precision.h"

#include <stdexcept>

#include <ATen/autocast_mode.h>

#include "torch_test_support.h"

#include "linformer/kernels/attention.h"
#include "linformer/kernels/depthwise_convolution.h"
#include "linformer/kernels/gelu.h"
#include "linformer/kernels/layer_norm.h"
#include "linformer/kernels/linear_cross_entropy.h"

namespace linformer {
namespace {

using testing::relative_difference;

constexpr std::array kLow{Precision::kBf16, Precision::kFp16};

at::ScalarType type_of_product(const at::Tensor& a, const at::Tensor& b) {
  return at::mm(a, b).scalar_type();
}

TEST(AutocastScope, ProductsHaveItsTypeAndTheRestKeepsFp32) {
  const at::Tensor a = at::randn({4, 4}), b = at::randn({4, 4});
  for (const auto& [precision, type] :
       std::map<Precision, at::ScalarType>{{Precision::kFp32, at::kFloat},
                                           {Precision::kBf16, at::kBFloat16},
                                           {Precision::kFp16, at::kHalf}}) {
    const AutocastScope scope{MixedPrecision(precision)};
    EXPECT_EQ(type_of_product(a, b), type);
    EXPECT_EQ((a + b).scalar_type(), at::kFloat);
    EXPECT_EQ(type_of_product(a.to(at::kDouble), b.to(at::kDouble)), at::kDouble);
  }
  EXPECT_EQ(type_of_product(a, b), at::kFloat);
}

TEST(AutocastScope, NestsAndComesBackAfterAnException) {
  const at::Tensor a = at::ones({2, 2});
  const AutocastScope outer{MixedPrecision(Precision::kBf16)};
  {
    const AutocastScope inner{MixedPrecision(Precision::kFp16)};
    EXPECT_EQ(type_of_product(a, a), at::kHalf);
  }
  EXPECT_EQ(type_of_product(a, a), at::kBFloat16);
  try {
    const AutocastScope suspended{MixedPrecision()};
    EXPECT_EQ(type_of_product(a, a), at::kFloat);
    EXPECT_EQ(AutocastScope::current().precision(), Precision::kFp32);
    throw std::runtime_error("out of the scope");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(type_of_product(a, a), at::kBFloat16);
  EXPECT_EQ(AutocastScope::current().precision(), Precision::kBf16);
}

TEST(AutocastScope, LeavesLibTorchsOwnStateAsItWas) {
  at::autocast::set_autocast_cache_enabled(true);
  try {
    const AutocastScope scope{MixedPrecision(Precision::kFp16)};
    EXPECT_TRUE(at::autocast::is_autocast_enabled(at::kCPU));
    EXPECT_TRUE(at::autocast::is_autocast_enabled(at::kCUDA));
    throw std::runtime_error("out of the scope");
  } catch (const std::runtime_error&) {
  }
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCUDA));
  EXPECT_EQ(at::autocast::get_autocast_dtype(at::kCPU), at::kBFloat16);  // LibTorch's defaults
  EXPECT_EQ(at::autocast::get_autocast_dtype(at::kCUDA), at::kHalf);
  EXPECT_TRUE(at::autocast::is_autocast_cache_enabled());
}

TEST(CastWeight, IsTheWeightItselfInFp32) {
  const at::Tensor weight = at::randn({3, 3}).set_requires_grad(true);
  EXPECT_TRUE(cast_weight(weight).is_same(weight));
  const AutocastScope scope{MixedPrecision(Precision::kBf16)};
  const at::Tensor wide = at::randn({3}, at::kDouble);
  EXPECT_TRUE(cast_weight(wide).is_same(wide));
}

TEST(CastWeight, KeepsOneCopyUntilItIsDropped) {
  const at::Tensor weight = at::ones({3, 3}).set_requires_grad(true);
  const MixedPrecision precision(Precision::kBf16);
  at::Tensor copy;
  {
    const AutocastScope scope(precision);
    copy = cast_weight(weight);
    EXPECT_EQ(copy.scalar_type(), at::kBFloat16);
  }
  const AutocastScope again(precision);
  EXPECT_TRUE(cast_weight(weight).is_same(copy));
  {
    const at::NoGradGuard no_grad;
    EXPECT_TRUE(cast_weight(weight).is_same(copy));
  }
  precision.drop_casts();
  EXPECT_FALSE(cast_weight(weight).is_same(copy));
}

TEST(CastWeight, IsMadeAnewForOtherMemoryUnderTheSameVersion) {
  const at::Tensor weight = at::ones({3, 3}).set_requires_grad(true);
  const MixedPrecision precision(Precision::kBf16);
  const AutocastScope scope(precision);
  const at::NoGradGuard no_grad;
  EXPECT_EQ(cast_weight(weight).sum().item<double>(), 9.0);
  at::Tensor(weight).set_data(at::zeros({3, 3}));
  EXPECT_EQ(cast_weight(weight).sum().item<double>(), 0.0);
}

// Parts of weights that a layer makes for each call would fill the memory.
TEST(CastWeight, KeepsNoCopyOfWhatIsNoParameter) {
  const at::Tensor part = at::ones({3, 3});
  const AutocastScope scope{MixedPrecision(Precision::kBf16)};
  EXPECT_EQ(cast_weight(part).scalar_type(), at::kBFloat16);
  EXPECT_FALSE(cast_weight(part).is_same(cast_weight(part)));
  EXPECT_EQ(part.use_count(), 1);
}

TEST(CastWeight, CopiesAWeightThatHasChanged) {
  const at::Tensor weight = at::ones({3, 3}).set_requires_grad(true);
  const AutocastScope scope{MixedPrecision(Precision::kBf16)};
  for (const float value : {2.0f, 3.0f}) {
    cast_weight(weight);
    weight.detach().fill_(value);  // as a checkpoint is loaded
    EXPECT_EQ(cast_weight(weight)[0][0].item<float>(), value);
    const at::NoGradGuard no_grad;
    EXPECT_EQ(cast_weight(weight)[0][0].item<float>(), value);
  }
}

TEST(CastWeight, ACopyMadeWithoutGradientsIsNotUsedWhereTheyAreWanted) {
  const at::Tensor weight = at::ones({2, 2}).set_requires_grad(true);
  const AutocastScope scope{MixedPrecision(Precision::kBf16)};
  {
    const at::NoGradGuard no_grad;
    EXPECT_FALSE(cast_weight(weight).requires_grad());
    EXPECT_TRUE(cast_weight(weight).is_same(cast_weight(weight)));
  }
  EXPECT_TRUE(cast_weight(weight).requires_grad());
}

TEST(CastWeight, OneCopyServesSeveralBackwardPassesAndGradientsAddUpInFp32) {
  // d/dw sum(x w) = x^T 1: 1 + 2^-10 has no bf16, so a sum kept in bf16 would lose the small part.
  const at::Tensor weight = at::ones({1, 1}).set_requires_grad(true);
  const MixedPrecision precision(Precision::kBf16);
  for (const double x : {1.0, 0.0009765625}) {
    at::Tensor product;
    {
      const AutocastScope scope(precision);
      product = at::mm(at::full({1, 1}, x), cast_weight(weight));
    }
    product.sum().backward();
  }
  EXPECT_EQ(weight.grad().scalar_type(), at::kFloat);
  EXPECT_EQ(weight.grad().item<double>(), 1.0009765625);
}

using Kernel = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

/// How a kernel answers to inputs in a low type.
struct Border {
  bool full_result = false;  // fp32, else in the inputs' type
  bool exact = true;         // the numbers of fp32 on the same inputs, rounded once, else near them
};

/// A kernel computes in fp32 whatever comes in. Gradients are in the inputs' own type.
void expect_full_inside(const Kernel& kernel, const std::vector<at::Tensor>& inputs,
                        const Border& border, const char* what) {
  const auto expect_same = [&](const at::Tensor& ours, const at::Tensor& wanted) {
    if (border.exact) {
      EXPECT_TRUE(at::equal(ours, wanted.to(ours.scalar_type()))) << what;
    } else {
      EXPECT_LT(relative_difference(ours.to(at::kFloat), wanted), 0.02) << what;
    }
  };
  for (const Precision precision : kLow) {
    const at::ScalarType type = MixedPrecision(precision).type();
    std::vector<at::Tensor> low, full;
    for (const at::Tensor& input : inputs) {
      low.push_back(input.to(type).set_requires_grad(true));
      full.push_back(low.back().detach().to(at::kFloat).set_requires_grad(true));
    }
    const at::Tensor expected = kernel(full);
    const AutocastScope scope{MixedPrecision(precision)};
    const at::Tensor value = kernel(low);
    EXPECT_EQ(value.scalar_type(), border.full_result ? at::kFloat : type) << what;
    expect_same(value, expected);
    const at::Tensor upstream = at::randn(value.sizes()).to(value.scalar_type());
    const auto gradients = torch::autograd::grad({value}, low, {upstream});
    const auto wanted = torch::autograd::grad({expected}, full, {upstream.to(at::kFloat)});
    for (size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_EQ(gradients[i].scalar_type(), type) << what;
      expect_same(gradients[i], wanted[i]);
    }
  }
}

TEST(KernelBorders, ComputeInFp32WhateverComesIn) {
  at::manual_seed(3);
  const DropoutSite site{0.2, 4};
  const at::Tensor ones = at::ones({8});
  // Attention may multiply in bf16.
  expect_full_inside(
      [&](const auto& in) { return dropout_attention(in[0], in[1], in[2], 2, {}, site); },
      {at::randn({2, 6, 8}), at::randn({2, 4, 8}), at::randn({2, 4, 8})},
      {.full_result = false, .exact = false}, "attention");
  expect_full_inside([&](const auto& in) { return bias_gelu(in[0], ones); }, {at::randn({5, 8})},
                     {}, "gelu");
  expect_full_inside([&](const auto& in) { return dropout(in[0], site); }, {at::randn({5, 8})},
                     {.full_result = true}, "dropout");
  const auto norm = [&](const std::vector<at::Tensor>& in, NormReaders readers) {
    return bias_dropout_residual_layer_norm(in[0], ones, in[1], ones, ones, 1e-5, site, readers)
        .normalized;
  };
  const std::vector<at::Tensor> two{at::randn({5, 8}), at::randn({5, 8})};
  expect_full_inside([&](const auto& in) { return norm(in, NormReaders::kAny); }, two,
                     {.full_result = true}, "norm");
  expect_full_inside([&](const auto& in) { return norm(in, NormReaders::kProducts); }, two, {},
                     "norm for products");
  const at::Tensor taps = at::randn({8, 1, 3});
  expect_full_inside([&](const auto& in) { return add_depthwise_convolution(in[0], in[1], taps); },
                     {at::randn({2, 6, 8}), at::randn({2, 6, 8})}, {}, "convolution");
}

TEST(LossUnderAutocast, ProductsOfBf16AreRoundedTheRestIsNot) {
  at::manual_seed(4);
  const at::Tensor hidden = at::randn({9, 16}).set_requires_grad(true);
  const at::Tensor weight = (at::randn({30, 16}) * 0.3).set_requires_grad(true);
  const at::Tensor bias = at::randn({30}).set_requires_grad(true);
  const at::Tensor labels = at::randint(30, {9}, at::kLong);
  const auto run = [&] {
    const at::Tensor loss = linear_cross_entropy(hidden, weight, bias, labels);
    EXPECT_EQ(loss.scalar_type(), at::kFloat);
    auto result = torch::autograd::grad({loss}, {hidden, weight, bias});
    result.push_back(loss.detach());
    for (const at::Tensor& tensor : result) EXPECT_EQ(tensor.scalar_type(), at::kFloat);
    return result;
  };
  const auto exact = run();
  std::vector<at::Tensor> half;
  {
    // fp16 gradients would be formed before the loss scale is known: fp32 inside.
    const AutocastScope scope{MixedPrecision(Precision::kFp16)};
    half = run();
  }
  const AutocastScope scope{MixedPrecision(Precision::kBf16)};
  const auto rounded = run();
  for (size_t i = 0; i < exact.size(); ++i) {
    EXPECT_TRUE(at::equal(half[i], exact[i])) << i;
    EXPECT_FALSE(at::equal(rounded[i], exact[i])) << i;
    EXPECT_LT(relative_difference(rounded[i], exact[i]), 0.02) << i;  // bf16: 2^-9 a number
  }
}

}  // namespace
}  // namespace linformer
