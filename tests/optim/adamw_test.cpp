#include "linformer/optim/adamw.h"

#include <filesystem>
#include <fstream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace linformer {
namespace {

OptimizerConfig config_of(double beta1, double beta2, double eps, double weight_decay) {
  OptimizerConfig config;
  config.betas = {beta1, beta2};
  config.eps = eps;
  config.weight_decay = weight_decay;
  return config;
}

at::Tensor parameter(const std::vector<double>& values) {
  return at::tensor(values, at::kFloat).set_requires_grad(true);
}

TEST(AdamW, OneStepByHand) {
  at::Tensor weight = parameter({1.0});
  AdamW optimizer({{"w", weight}}, config_of(0.9, 0.99, 0.0, 0.1));
  weight.mutable_grad() = at::tensor({4.0}, at::kFloat);
  optimizer.step(/*learning_rate=*/0.5, /*divisor=*/2.0);
  // Decay: 1 - 0.5 * 0.1 * 1 = 0.95. The first step is lr * sign(gradient) = 0.5, so 0.45.
  EXPECT_NEAR(weight.item<double>(), 0.45, 1e-6);
  const auto state = optimizer.state();
  ASSERT_EQ(state.size(), 2u);
  EXPECT_EQ(state[0].first, "exp_avg.w");
  EXPECT_NEAR(state[0].second.item<double>(), 0.2, 1e-7);   // 0.1 * (4 / 2)
  EXPECT_NEAR(state[1].second.item<double>(), 0.04, 1e-8);  // 0.01 * 2^2
}

TEST(AdamW, BiasesDecayOnlyWhenAskedTo) {
  for (const bool all : {false, true}) {
    at::Tensor weight = parameter({1.0});
    at::Tensor bias = parameter({1.0});
    OptimizerConfig config = config_of(0.9, 0.99, 1e-6, 0.1);
    config.decay_biases_and_norms = all;
    AdamW optimizer({{"w", weight}, {"b", bias, ParameterRole::kBiasOrNorm}}, config);
    // No gradient at all counts as zero, so decay alone moves a parameter: 1 - 0.5 * 0.1.
    optimizer.step(0.5, 1.0);
    EXPECT_NEAR(weight.item<double>(), 0.95, 1e-7);
    EXPECT_NEAR(bias.item<double>(), all ? 0.95 : 1.0, 1e-7);
  }
}

TEST(AdamW, ProjectionsHaveTheirOwnRateAndDecay) {
  for (const std::optional<double> decay : {std::optional<double>(), std::optional<double>(0.3)}) {
    at::Tensor projection = parameter({1.0});
    OptimizerConfig config = config_of(0.9, 0.99, 1e-6, 0.1);
    config.projection_weight_decay = decay;
    config.projection_learning_rate = 2.0;
    AdamW optimizer({{"E", projection, ParameterRole::kProjection}}, config);
    // no gradient, so 1 - 2 * 0.25 * decay
    optimizer.step(0.25, 1.0);
    EXPECT_NEAR(projection.item<double>(), 1.0 - 0.5 * decay.value_or(0.1), 1e-7);
  }
}

TEST(AdamW, LeavesFrozenParametersAlone) {
  at::Tensor frozen = at::ones({1});
  AdamW optimizer({{"E", frozen}}, config_of(0.9, 0.99, 1e-6, 0.1));
  optimizer.step(0.5, 1.0);
  EXPECT_EQ(frozen.item<double>(), 1.0);
  EXPECT_TRUE(optimizer.state().empty());
}

TEST(AdamW, GradientNormIsOverAllParameters) {
  at::Tensor a = parameter({0.0, 0.0});
  at::Tensor b = parameter({0.0});
  at::Tensor without = parameter({0.0});
  AdamW optimizer({{"a", a}, {"b", b, ParameterRole::kBiasOrNorm}, {"c", without}},
                  OptimizerConfig{});
  a.mutable_grad() = at::tensor({2.0, 3.0}, at::kFloat);
  b.mutable_grad() = at::tensor({6.0}, at::kFloat);
  EXPECT_NEAR(optimizer.gradient_norm(), 7.0, 1e-6);  // sqrt(4 + 9 + 36)
  optimizer.zero_grad();
  EXPECT_DOUBLE_EQ(optimizer.gradient_norm(), 0.0);
}

TEST(AdamW, GoesOnFromItsStateToTheBit) {
  const auto gradient = [](int i) { return at::tensor({0.3 * i, -0.7 + i}, at::kFloat); };
  at::Tensor straight = parameter({1.0, -2.0});
  AdamW first({{"w", straight}}, OptimizerConfig{});
  at::Tensor resumed;
  for (int i = 0; i < 6; ++i) {
    straight.mutable_grad() = gradient(i);
    first.step(0.01, 3.0);
    if (i != 2) continue;
    resumed = straight.detach().clone().set_requires_grad(true);
    AdamW second({{"w", resumed}}, OptimizerConfig{});
    const auto from = first.state();
    const auto to = second.state();
    for (size_t k = 0; k < to.size(); ++k) to[k].second.copy_(from[k].second);
    second.set_num_updates(first.num_updates());
    for (int j = 3; j < 6; ++j) {
      resumed.mutable_grad() = gradient(j);
      second.step(0.01, 3.0);
    }
  }
  EXPECT_TRUE(at::equal(straight, resumed));
}

at::Tensor tensor_of(const nlohmann::json& values) {
  return at::tensor(values.get<std::vector<double>>(), at::kFloat);
}

// ../shared/fixtures/scalars.json: torch.optim.AdamW after clip_grad_norm_.
TEST(AdamW, FollowsTheReferenceTrajectory) {
  const std::string path = LINFORMER_SHARED_DIR "/fixtures/scalars.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "../shared/fixtures is absent";
  std::ifstream stream(path);
  const auto reference = nlohmann::json::parse(stream)["adamw"];
  const auto& trajectory = reference["trajectory"];
  at::Tensor weight = tensor_of(trajectory[0]["w"]).set_requires_grad(true);
  at::Tensor bias = tensor_of(trajectory[0]["b"]).set_requires_grad(true);
  AdamW optimizer({{"w", weight}, {"b", bias, ParameterRole::kBiasOrNorm}},
                  config_of(reference["betas"][0], reference["betas"][1], reference["eps"],
                            reference["weight_decay"]["w"]));
  for (size_t i = 1; i < trajectory.size(); ++i) {
    weight.mutable_grad() = tensor_of(trajectory[i]["grad_w"]);
    bias.mutable_grad() = tensor_of(trajectory[i]["grad_b"]);
    const double norm = optimizer.gradient_norm();
    EXPECT_NEAR(norm, trajectory[i]["total_norm"].get<double>(), 1e-5);
    optimizer.step(reference["lr"], 1.0 / clip_factor(norm, reference["clip_norm"]));
    EXPECT_TRUE(at::allclose(weight, tensor_of(trajectory[i]["w"]), 1e-6, 1e-6)) << i;
    EXPECT_TRUE(at::allclose(bias, tensor_of(trajectory[i]["b"]), 1e-6, 1e-6)) << i;
  }
}

}  // namespace
}  // namespace linformer
