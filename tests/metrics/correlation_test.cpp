#include "linformer/metrics/correlation.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using Values = std::vector<double>;

TEST(Correlation, PearsonByHand) {
  // means 2 and 3; sums of products 1*2 + 0 + 1*1 = 3, of squares 2 and 4 + 1 + 1 = 6
  EXPECT_DOUBLE_EQ(pearson_correlation(Values{1, 2, 3}, Values{1, 4, 4}), 3.0 / std::sqrt(12.0));
  EXPECT_DOUBLE_EQ(pearson_correlation(Values{1, 2, 3}, Values{6, 4, 2}), -1.0);
}

TEST(Correlation, IsTheSameInAnyUnit) {
  const Values x{0.5, 2.0, 1.0, 4.0};
  Values huge, tiny;
  for (const double value : x) {
    huge.push_back(value * 1e250);
    tiny.push_back(value * 1e-250);
  }
  const Values y{1.0, 3.0, 0.0, 2.0};
  EXPECT_NEAR(pearson_correlation(huge, y), pearson_correlation(x, y), 1e-15);
  EXPECT_NEAR(pearson_correlation(tiny, y), pearson_correlation(x, y), 1e-15);
}

TEST(Correlation, EqualValuesShareTheMeanOfTheirRanks) {
  EXPECT_THAT(average_ranks(Values{10, 20, 10, 30, 10}), ElementsAre(2, 4, 2, 5, 2));
  EXPECT_THAT(average_ranks(Values{3, 3, 1}), ElementsAre(2.5, 2.5, 1));
}

TEST(Correlation, SpearmanLooksAtRanksAlone) {
  EXPECT_DOUBLE_EQ(spearman_correlation(Values{1, 2, 3}, Values{1, 10, 1000}), 1.0);
  // ranks 1 2 3 4 and 1.5 1.5 4 3: means 2.5; products 1.5*1 + 0.5*1 + 0.5*1.5 + 1.5*0.5 = 3.5,
  // squares 5 and 1 + 1 + 2.25 + 0.25 = 4.5
  EXPECT_DOUBLE_EQ(spearman_correlation(Values{1, 2, 3, 4}, Values{0, 0, 9, 8}),
                   3.5 / std::sqrt(5.0 * 4.5));
}

TEST(Correlation, IsUndefinedForConstants) {
  const Values constant(7, 0.1);  // their mean is not 0.1 in floating point
  const Values other{1, 2, 3, 4, 5, 6, 7};
  for (const auto correlation : {pearson_correlation, spearman_correlation}) {
    EXPECT_TRUE(std::isnan(correlation(constant, other)));
    EXPECT_TRUE(std::isnan(correlation(other, constant)));
    EXPECT_TRUE(std::isnan(correlation(Values{1}, Values{2})));
    EXPECT_TRUE(
        std::isnan(correlation(Values{1, std::numeric_limits<double>::quiet_NaN()}, Values{1, 2})));
    EXPECT_TRUE(
        std::isnan(correlation(Values{1, 2}, Values{std::numeric_limits<double>::infinity(), 2})));
    EXPECT_THROW(correlation({}, {}), RunError);
    EXPECT_THROW(correlation(constant, Values{1}), std::invalid_argument);
  }
}

// What a regression that predicts one number gives at another batch size: that number, and some
// units in its last place more or less. Noise has no correlation, nor have its ranks.
TEST(Correlation, IsUndefinedForConstantsButForRounding) {
  const Values targets{1, 2, 3, 4, 5};
  for (const float constant : {2.5F, -0.1F, 1e-30F, 3e30F}) {
    Values predictions;
    float value = constant;
    for (int i = 0; i < 5; ++i) {
      predictions.push_back(static_cast<double>(value));
      value = std::nextafter(value, i % 2 == 0 ? 1e38F : -1e38F);
      value = std::nextafter(value, 1e38F);
    }
    for (const auto correlation : {pearson_correlation, spearman_correlation}) {
      EXPECT_TRUE(std::isnan(correlation(predictions, targets))) << constant;
      EXPECT_TRUE(std::isnan(correlation(targets, predictions))) << constant;
    }
  }
  // A spread that floats can hold is one: 100.001 to 100.005.
  const Values close{100.001, 100.002, 100.003, 100.004, 100.005};
  EXPECT_NEAR(pearson_correlation(close, targets), 1.0, 1e-9);
  EXPECT_DOUBLE_EQ(spearman_correlation(close, targets), 1.0);
}

}  // namespace
}  // namespace linformer
