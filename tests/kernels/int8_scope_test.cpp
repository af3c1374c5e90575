#include "linformer/kernels/int8_scope.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>

#include "kernels/int8_product.h"
#include "torch_test_support.h"

#include "linformer/core/error.h"
#include "linformer/kernels/linear_cross_entropy.h"
#include "linformer/kernels/weight_product.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::relative_difference;

at::Tensor parameter(const at::Tensor& values) {
  return values.clone().set_requires_grad(true);
}

at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {}) {
  const at::NoGradGuard no_grad;
  return weight_product(x, weight, bias).detach();
}

class Int8 : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      choose_int8_engine(at::Context::supportedQEngines());
    } catch (const UsageError&) {
      GTEST_SKIP() << "LibTorch has no int8 products on this CPU";
    }
    at::manual_seed(1);
  }
};

TEST_F(Int8, RoundsEachRowOfTheWeightWithItsOwnScale) {
  // Input: 0 and 255 are exact, with 8 bits (scale 1) and with 7 (scale 255 / 127).
  const at::Tensor x = at::tensor({255.0f, 0.0f, 0.0f, 255.0f, 255.0f, 255.0f}).view({2, 3});
  // Row 0: scale 1, so 0.4 -> 0 and -0.6 -> -1. Row 1: scale 1/127, so its own 0.4 -> 51/127.
  const at::Tensor weight =
      parameter(at::tensor({127.0f, 0.4f, -0.6f, -1.0f, 0.4f, 0.0f}).view({2, 3}));
  const Int8Scope scope;
  // (255, 0, 0): 255 * 127, 255 * -1; (255, 255, 255): 255 * (127 + 0 - 1), 255 * (-1 + 51/127)
  const at::Tensor expected =
      at::tensor({32385.0f, -255.0f, 32130.0f, 255.0f * (51.0f / 127.0f - 1.0f)}).view({2, 2});
  EXPECT_LT(relative_difference(product(x, weight), expected), 1e-6);
  const at::Tensor bias = parameter(at::tensor({0.5f, -2.0f}));
  EXPECT_LT(relative_difference(product(x, weight, bias), expected + bias.detach()), 1e-6);
  EXPECT_LT(relative_difference(product(x, weight), expected), 1e-6);  // each has its own copy
}

TEST_F(Int8, IsNearFp32) {
  for (const auto& [rows, in, out] : std::vector<std::array<int64_t, 3>>{
           {1, 64, 3}, {16, 256, 1000}, {700, 96, 256}, {33, 1024, 256}}) {
    const at::Tensor x = at::randn({rows, in}) + 0.3;
    const at::Tensor weight = parameter(at::randn({out, in}) * at::rand({out, 1}));
    const at::Tensor expected = product(x, weight);
    const Int8Scope scope;
    const at::Tensor ours = product(x, weight);
    EXPECT_EQ(ours.scalar_type(), at::kFloat);
    // A rounding is off by at most half of 1/127 of the row's and 1/127 or 1/255 of the input's
    // range, and the errors of a sum cancel in part.
    const double error = (ours - expected).norm().item<double>() / expected.norm().item<double>();
    EXPECT_GT(error, 0.0);
    EXPECT_LT(error, 0.04) << rows << " " << in << " " << out;
  }
}

TEST_F(Int8, EndsWithItsScopeAndNests) {
  const at::Tensor x = at::randn({5, 32});
  const at::Tensor weight = parameter(at::randn({7, 32}));
  const at::Tensor expected = product(x, weight);
  const at::QEngine engine = at::globalContext().qEngine();
  EXPECT_FALSE(Int8Scope::active());
  try {
    const Int8Scope outer;
    const at::Tensor low = product(x, weight);
    {
      const Int8Scope inner;
      EXPECT_TRUE(at::equal(product(x, weight), low));
    }
    EXPECT_TRUE(Int8Scope::active());
    EXPECT_TRUE(at::equal(product(x, weight), low));
    EXPECT_FALSE(at::equal(low, expected));
    throw std::runtime_error("out of the scope");
  } catch (const std::runtime_error&) {
  }
  EXPECT_FALSE(Int8Scope::active());
  EXPECT_TRUE(at::equal(product(x, weight), expected));
  EXPECT_EQ(at::globalContext().qEngine(), engine);
}

TEST_F(Int8, CopiesAWeightThatHasChanged) {
  const at::Tensor x = at::ones({1, 4});
  const at::Tensor weight = parameter(at::ones({1, 4}));
  const Int8Scope scope;
  const auto value = [&] { return product(x, weight).item<double>(); };
  EXPECT_NEAR(value(), 4.0, 1e-5);
  weight.detach().fill_(2.0);  // as a checkpoint is loaded
  EXPECT_NEAR(value(), 8.0, 1e-5);
  at::Tensor(weight).set_data(at::full({1, 4}, 3.0));  // keeps the version
  EXPECT_NEAR(value(), 12.0, 1e-5);
}

TEST_F(Int8, LeavesTheRestInFp32) {
  const at::Tensor x = at::randn({5, 32});
  const at::Tensor weight = at::randn({7, 32});
  const at::Tensor expected = product(x, weight);
  const Int8Scope scope;
  EXPECT_TRUE(at::equal(product(x, weight), expected));  // not a parameter
  const at::Tensor wide = parameter(weight.to(at::kDouble));
  EXPECT_EQ(product(x.to(at::kDouble), wide).scalar_type(), at::kDouble);
  EXPECT_EQ(product(at::empty({0, 32}), parameter(weight)).sizes(), at::IntArrayRef({0, 7}));
}

TEST_F(Int8, WhatIsNotFiniteStaysSo) {
  const at::Tensor weight = parameter(at::randn({7, 32}));
  const at::Tensor good = at::randn({5, 32});
  const Int8Scope scope;
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    at::Tensor x = good.clone();
    x[3][5] = bad;
    const at::Tensor finite = product(x, weight).isfinite().all(1);
    EXPECT_TRUE(at::equal(finite, at::arange(5).ne(3)));
    at::Tensor broken = at::randn({7, 32});
    broken[2][1] = bad;
    EXPECT_FALSE(product(good, parameter(broken)).isfinite().all().item<bool>());
  }
  EXPECT_TRUE(at::equal(product(good, parameter(at::zeros({7, 32}))), at::zeros({5, 7})));
}

TEST_F(Int8, RefusesGradients) {
  const at::Tensor x = at::randn({5, 32});
  const at::Tensor weight = parameter(at::randn({7, 32}));
  const Int8Scope scope;
  EXPECT_THROW(weight_product(x, weight), c10::Error);
  EXPECT_THROW(linear_cross_entropy(x, weight, at::zeros({7}), at::zeros({5}, at::kLong)),
               c10::Error);
}

TEST_F(Int8, LossesAreThoseOfItsLogits) {
  const at::Tensor hidden = at::randn({9, 32});
  const at::Tensor weight = parameter(at::randn({40, 32}));
  const at::Tensor bias = parameter(at::randn({40}));
  const at::Tensor labels = at::arange(9, at::kLong);
  const at::Tensor full = linear_cross_entropy_rows(hidden, weight, bias, labels);
  const Int8Scope scope;
  const at::Tensor logits = product(hidden, weight, bias);
  const at::Tensor expected =
      at::logsumexp(logits, {1}) - logits.gather(1, labels.unsqueeze(1)).squeeze(1);
  const RowScores scores = linear_cross_entropy_scores(hidden, weight, bias, labels);
  EXPECT_LT(relative_difference(scores.losses, expected), 1e-5);
  EXPECT_TRUE(at::equal(scores.best, logits.argmax(1)));
  EXPECT_FALSE(at::equal(scores.losses, full));
}

TEST(Int8Engine, IsTheFastestThatLibTorchHas) {
  const auto choice = [](const std::vector<at::QEngine>& engines) {
    return choose_int8_engine(engines);
  };
  EXPECT_EQ(choice({at::QEngine::X86, at::QEngine::NoQEngine, at::QEngine::ONEDNN}),
            at::QEngine::ONEDNN);
  EXPECT_EQ(choice({at::QEngine::X86}), at::QEngine::X86);
  for (const std::vector<at::QEngine>& others :
       {std::vector<at::QEngine>{}, {at::QEngine::NoQEngine, at::QEngine::QNNPACK}}) {
    try {
      choice(others);
      FAIL() << "no engine";
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("--precision: LibTorch has no int8 products"),
                                      HasSubstr("fix: use --precision fp32")));
    }
  }
}

}  // namespace
}  // namespace linformer
