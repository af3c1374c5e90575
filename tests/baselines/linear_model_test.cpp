#include "linformer/baselines/linear_model.h"

#include <cmath>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linformer/core/random.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;

/// Dense rows as sparse ones.
SparseRows rows_of(const std::vector<std::vector<float>>& dense) {
  SparseRows rows;
  rows.num_columns = dense.front().size();
  for (const auto& row : dense) {
    for (size_t c = 0; c < row.size(); ++c) {
      if (row[c] == 0.0F) continue;
      rows.columns.push_back(static_cast<uint32_t>(c));
      rows.values.push_back(row[c]);
    }
    rows.ends.push_back(rows.values.size());
  }
  return rows;
}

TEST(LinearModel, ObjectiveByHand) {
  const SparseRows rows = rows_of({{1, 0}, {0, 2}});
  std::vector<double> gradient(3);
  // Regression, w = (1, -1), b = 0.5: outputs 1.5 and -1.5, targets 1 and 0.5:
  // (0.25 + 4) / 2 / 2 + l2 / 2 * 2
  const LinearModel ridge(2, 1);
  const std::vector<double> parameters{1.0, -1.0, 0.5};
  EXPECT_DOUBLE_EQ(ridge.objective(rows, std::vector<float>{1, 0.5}, 0.1, parameters, gradient),
                   4.25 / 4.0 + 0.1);
  // (0.5 * 1 / 2 + 0.1, -2 * 2 / 2 - 0.1, (0.5 - 2) / 2)
  EXPECT_THAT(gradient, ElementsAre(0.35, -2.1, -0.75));
  // Two classes, all parameters 0: each class has probability 1/2.
  const LinearModel logistic(2, 2);
  EXPECT_NEAR(logistic.objective(rows, std::vector<float>{1, 0}, 0.1, std::vector<double>(3, 0.0),
                                 gradient),
              std::log(2.0), 1e-15);
  // -(1/2) * 1 / 2, (1/2) * 2 / 2, 0
  EXPECT_THAT(gradient, ElementsAre(-0.25, 0.5, 0.0));
}

// Central differences of the objective.
TEST(LinearModel, GradientIsThatOfTheObjective) {
  RandomStream random(RandomPurpose::kTest, {5});
  std::vector<std::vector<float>> dense(7, std::vector<float>(4, 0.0F));
  for (auto& row : dense) {
    for (float& value : row)
      value = random.below(3) == 0 ? 0.0F : static_cast<float>(random.normal());
  }
  const SparseRows rows = rows_of(dense);
  for (const int64_t num_classes : {1, 2, 3}) {
    std::vector<float> targets;
    for (size_t i = 0; i < 7; ++i)
      targets.push_back(num_classes == 1
                            ? 0.5F * static_cast<float>(i)
                            : static_cast<float>(i % static_cast<size_t>(num_classes)));
    const LinearModel model(4, num_classes);
    std::vector<double> parameters(model.parameters().size());
    for (double& value : parameters) value = random.normal();
    std::vector<double> gradient(parameters.size()), unused(parameters.size());
    model.objective(rows, targets, 0.3, parameters, gradient);
    for (size_t p = 0; p < parameters.size(); ++p) {
      const auto at = [&](double shift) {
        std::vector<double> moved = parameters;
        moved[p] += shift;
        return model.objective(rows, targets, 0.3, moved, unused);
      };
      EXPECT_NEAR(gradient[p], (at(1e-5) - at(-1e-5)) / 2e-5, 1e-8) << num_classes << ", " << p;
    }
  }
}

TEST(LinearModel, RidgeShrinksTowardsTheMean) {
  // One column x = -1, 1 with y = 1, 3: without penalty y = 2 + x. With l2 the slope minimises
  // (1 - w)^2 / 2 + l2 w^2 / 2, so w = 1 / (1 + l2).
  const SparseRows rows = rows_of({{-1}, {1}});
  LinearModel model(1, 1);
  model.fit(rows, std::vector<float>{1, 3}, 0.25, {});
  EXPECT_NEAR(model.parameters()[0], 0.8, 1e-5);
  EXPECT_NEAR(model.parameters()[1], 2.0, 1e-5);
  EXPECT_NEAR(model.predict(rows)[1], 2.8, 1e-5);
}

TEST(LinearModel, LearnsThreeClasses) {
  const SparseRows rows = rows_of({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 0, 0.1F}});
  const std::vector<float> targets{2, 0, 1, 2};
  LinearModel model(3, 3);
  EXPECT_TRUE(model.fit(rows, targets, 0.01, {}).converged);
  EXPECT_EQ(model.predict(rows), targets);
  EXPECT_THROW(model.fit(rows, std::vector<float>{1}, 0.1, {}), std::invalid_argument);
}

}  // namespace
}  // namespace linformer
