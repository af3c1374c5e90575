#include "linformer/optim/lamb.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "linformer/core/random.h"

namespace linformer {
namespace {

OptimizerConfig config_of(double weight_decay) {
  OptimizerConfig config;
  config.type = OptimizerType::kLamb;
  config.betas = {0.9, 0.99};
  config.eps = 1e-30;
  config.weight_decay = weight_decay;
  return config;
}

at::Tensor parameter(const std::vector<double>& values) {
  return at::tensor(values, at::kFloat).set_requires_grad(true);
}

std::vector<double> values_of(const at::Tensor& tensor) {
  const at::Tensor wide = tensor.detach().to(at::kDouble).contiguous();
  return {wide.data_ptr<double>(), wide.data_ptr<double>() + wide.numel()};
}

TEST(Lamb, OneStepByHand) {
  at::Tensor weight = parameter({0.0, 2.0});
  Lamb optimizer({{"w", weight}}, config_of(/*weight_decay=*/1.0 / 6.0));
  weight.mutable_grad() = at::tensor({3.0, 3.0}, at::kFloat);
  optimizer.step(/*learning_rate=*/0.5, /*divisor=*/3.0);
  // The first step has m / sqrt(v) = sign of the gradient = (1, 1); with decay u = (1, 4/3), and
  // |u| = 5/3. |w| = 2, so the ratio is 6/5 and w = (0, 2) - 0.5 * 6/5 * (1, 4/3) = (-0.6, 1.2).
  EXPECT_NEAR(values_of(weight)[0], -0.6, 1e-6);
  EXPECT_NEAR(values_of(weight)[1], 1.2, 1e-6);
}

TEST(Lamb, ScalesNeitherBiasesNorWhatHasNoLength) {
  for (const bool all : {false, true}) {
    at::Tensor zero = parameter({0.0, 0.0});
    at::Tensor bias = parameter({4.0});
    OptimizerConfig config = config_of(0.0);
    config.decay_biases_and_norms = all;
    Lamb optimizer({{"w", zero}, {"b", bias, ParameterRole::kBiasOrNorm}}, config);
    zero.mutable_grad() = at::tensor({-2.0, 2.0}, at::kFloat);
    bias.mutable_grad() = at::tensor({2.0}, at::kFloat);
    optimizer.step(0.5, 1.0);
    EXPECT_NEAR(values_of(zero)[0], 0.5, 1e-6);
    // 4 - 0.5 * 1, or 4 - 0.5 * |4| / 1
    EXPECT_NEAR(bias.item<double>(), all ? 2.0 : 3.5, 1e-6);
    zero = parameter({0.0});
  }
}

TEST(Lamb, WithoutGradientAndDecayNothingMoves) {
  at::Tensor weight = parameter({1.0, -2.0});
  OptimizerConfig config = config_of(0.0);
  config.eps = 1e-6;
  Lamb optimizer({{"w", weight}}, config);
  optimizer.step(0.5, 1.0);
  EXPECT_EQ(values_of(weight), (std::vector<double>{1.0, -2.0}));
}

/// The paper's formulas, number by number in double precision.
struct Reference {
  std::vector<double> w, m, v;
  double decay = 0.0, rate = 1.0;
  bool scaled = true;

  void step(const std::vector<double>& gradient, double learning_rate, double eps, int t) {
    std::vector<double> u(w.size());
    double w_squares = 0.0, u_squares = 0.0;
    for (size_t i = 0; i < w.size(); ++i) {
      m[i] = 0.9 * m[i] + 0.1 * gradient[i];
      v[i] = 0.99 * v[i] + 0.01 * gradient[i] * gradient[i];
      const double m_hat = m[i] / (1.0 - std::pow(0.9, t));
      const double v_hat = v[i] / (1.0 - std::pow(0.99, t));
      u[i] = m_hat / (std::sqrt(v_hat) + eps) + decay * w[i];
      w_squares += w[i] * w[i];
      u_squares += u[i] * u[i];
    }
    const double ratio = scaled ? std::sqrt(w_squares / u_squares) : 1.0;
    for (size_t i = 0; i < w.size(); ++i) w[i] -= learning_rate * rate * ratio * u[i];
  }
};

TEST(Lamb, FollowsTheFormulasOverManySteps) {
  RandomStream random(RandomPurpose::kTest, {1});
  const auto draw = [&random](size_t count) {
    std::vector<double> values(count);
    // Single precision, so that both sides start from the same numbers.
    for (double& value : values) value = static_cast<float>(random.normal());
    return values;
  };
  OptimizerConfig config = config_of(0.02);
  config.eps = 1e-6;
  config.projection_weight_decay = 0.1;
  config.projection_learning_rate = 0.5;
  std::vector<Reference> references(3);
  std::vector<OptimizedParameter> parameters;
  const std::array roles{ParameterRole::kWeight, ParameterRole::kBiasOrNorm,
                         ParameterRole::kProjection};
  for (size_t p = 0; p < 3; ++p) {
    references[p].w = draw(10 + p);
    references[p].m = references[p].v = std::vector<double>(10 + p);
    parameters.push_back({std::to_string(p), parameter(references[p].w), roles[p]});
  }
  references[0].decay = 0.02;
  references[1].scaled = false;
  references[2].decay = 0.1;
  references[2].rate = 0.5;
  Lamb optimizer(parameters, config);
  for (int t = 1; t <= 50; ++t) {
    const double learning_rate = 0.05 / t;
    for (size_t p = 0; p < 3; ++p) {
      const std::vector<double> gradient = draw(references[p].w.size());
      parameters[p].tensor.mutable_grad() = at::tensor(gradient, at::kFloat).mul_(8.0);
      references[p].step(gradient, learning_rate, config.eps, t);
    }
    optimizer.step(learning_rate, /*divisor=*/8.0);
  }
  for (size_t p = 0; p < 3; ++p) {
    const std::vector<double> got = values_of(parameters[p].tensor);
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], references[p].w[i], 5e-6) << p;
  }
}

}  // namespace
}  // namespace linformer
