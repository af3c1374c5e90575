#include "linformer/baselines/lbfgs.h"

#include <cmath>

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(Lbfgs, FindsTheMinimumOfAQuadratic) {
  // (x - 1)^2 + 100 (y + 2)^2 + 3
  const Objective quadratic = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = 2.0 * (x[0] - 1.0);
    gradient[1] = 200.0 * (x[1] + 2.0);
    return std::pow(x[0] - 1.0, 2) + 100.0 * std::pow(x[1] + 2.0, 2) + 3.0;
  };
  std::vector<double> x{0.0, 0.0};
  const LbfgsResult result = minimize_lbfgs(quadratic, x);
  EXPECT_TRUE(result.converged);
  EXPECT_NEAR(x[0], 1.0, 1e-5);
  EXPECT_NEAR(x[1], -2.0, 1e-5);
  EXPECT_NEAR(result.value, 3.0, 1e-9);
  EXPECT_LT(result.iterations, 30);
}

TEST(Lbfgs, FollowsACurvedValley) {
  // Rosenbrock's function, minimum 0 at (1, 1).
  const Objective rosenbrock = [](std::span<const double> x, std::span<double> gradient) {
    const double a = 1.0 - x[0], b = x[1] - x[0] * x[0];
    gradient[0] = -2.0 * a - 400.0 * x[0] * b;
    gradient[1] = 200.0 * b;
    return a * a + 100.0 * b * b;
  };
  std::vector<double> x{-1.2, 1.0};
  const LbfgsResult result = minimize_lbfgs(rosenbrock, x);
  EXPECT_TRUE(result.converged);
  EXPECT_NEAR(x[0], 1.0, 1e-4);
  EXPECT_NEAR(x[1], 1.0, 1e-4);
}

TEST(Lbfgs, StopsAtTheLimitAndAtTheMinimum) {
  const Objective square = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = 4.0 * std::pow(x[0], 3);
    return std::pow(x[0], 4);
  };
  std::vector<double> far{100.0};
  EXPECT_EQ(minimize_lbfgs(square, far, {2, 5, 1e-9}).iterations, 2);
  std::vector<double> there{0.0};
  const LbfgsResult result = minimize_lbfgs(square, there);
  EXPECT_EQ(result.iterations, 0);
  EXPECT_TRUE(result.converged);
}

}  // namespace
}  // namespace linformer
