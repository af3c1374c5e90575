#include "linformer/metrics/statistics.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "linformer/core/error.h"

namespace linformer {
namespace {

using Values = std::vector<double>;

TEST(Statistics, ByHand) {
  const Values values{4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(mean_of(values), 2.5);
  EXPECT_DOUBLE_EQ(median_of(values), 2.5);
  EXPECT_DOUBLE_EQ(median_of(Values{9, 1, 2}), 2.0);
  // squares 2.25 + 2.25 + 0.25 + 0.25 = 5, divided by 3
  EXPECT_DOUBLE_EQ(sample_stddev(values), std::sqrt(5.0 / 3.0));
  // place 3 * 0.25 = 0.75 between 1 and 2
  EXPECT_DOUBLE_EQ(percentile_of(values, 25.0), 1.75);
  EXPECT_DOUBLE_EQ(percentile_of(values, 0.0), 1.0);
  EXPECT_DOUBLE_EQ(percentile_of(values, 100.0), 4.0);
}

TEST(Statistics, TooFewValuesGiveNoFigure) {
  EXPECT_TRUE(std::isnan(mean_of({})));
  EXPECT_TRUE(std::isnan(median_of({})));
  EXPECT_TRUE(std::isnan(percentile_of({}, 50.0)));
  EXPECT_TRUE(std::isnan(sample_stddev(Values{1.0})));
  EXPECT_THROW(percentile_of(Values{1.0}, 101.0), std::out_of_range);
}

TEST(Statistics, WilsonIntervalOfAShare) {
  // z^2 = 3.8415. 5 of 10: centre 0.5, half width z / 1.38415 * sqrt(0.025 + 0.0096036) = 0.26341
  const ShareInterval half = wilson_interval(5, 10);
  EXPECT_NEAR(half.low, 0.23659, 1e-5);
  EXPECT_NEAR(half.high, 0.76341, 1e-5);
  // 0 of 10: from 0 to z^2 / (10 + z^2)
  EXPECT_EQ(wilson_interval(0, 10).low, 0.0);
  EXPECT_NEAR(wilson_interval(0, 10).high, 3.841459 / 13.841459, 1e-6);
  EXPECT_NEAR(wilson_interval(10, 10).low, 10.0 / 13.841459, 1e-6);
  EXPECT_EQ(wilson_interval(10, 10).high, 1.0);
  EXPECT_TRUE(std::isnan(wilson_interval(0, 0).low));
}

// Of 1,000 rows, 300 that only a gets right, 200 that only b does, and 500 that both do.
struct TwoModels {
  Values a, b, targets;
  TwoModels() {
    for (int i = 0; i < 1000; ++i) {
      targets.push_back(i % 2);
      const double wrong = 1 - i % 2;
      a.push_back(i >= 300 && i < 500 ? wrong : targets.back());
      b.push_back(i < 300 ? wrong : targets.back());
    }
  }
};

TEST(Bootstrap, AgreesWithTheNormalApproximation) {
  const TwoModels models;
  const DifferenceInterval found =
      bootstrap_difference(Metric::kAccuracy, models.a, models.b, models.targets);
  // The difference per row is +1 (0.3), -1 (0.2) or 0: mean 0.1, variance 0.5 - 0.01, so that of
  // the mean of 1,000 rows is 0.00049 and 1.96 standard deviations are 0.0434. The end points of
  // 2,000 resamples have a standard error of about 0.0013.
  EXPECT_NEAR(found.difference, 0.1, 1e-12);
  EXPECT_NEAR(found.low, 0.1 - 0.0434, 0.005);
  EXPECT_NEAR(found.high, 0.1 + 0.0434, 0.005);
}

TEST(Bootstrap, IsPaired) {
  const TwoModels models;
  const DifferenceInterval same =
      bootstrap_difference(Metric::kMcc, models.a, models.a, models.targets);
  EXPECT_EQ(same.low, 0.0);
  EXPECT_EQ(same.high, 0.0);
  Values inverted;
  for (const double target : models.targets) inverted.push_back(1 - target);
  const DifferenceInterval all =
      bootstrap_difference(Metric::kAccuracy, models.targets, inverted, models.targets);
  EXPECT_EQ(all.low, 1.0);
  EXPECT_EQ(all.high, 1.0);
}

TEST(Bootstrap, DependsOnTheSeedAlone) {
  const TwoModels models;
  const auto low = [&](uint64_t seed) {
    return bootstrap_difference(Metric::kF1, models.a, models.b, models.targets, {200, 0.95, seed})
        .low;
  };
  EXPECT_EQ(low(1), low(1));
  EXPECT_NE(low(1), low(2));
}

TEST(Bootstrap, LeavesOutResamplesWithoutAFigure) {
  // One resample in 4 of the two rows draws the same row twice and has no correlation.
  const Values targets{0.0, 1.0}, a{0.0, 1.0}, b{1.0, 0.0};
  const DifferenceInterval found = bootstrap_difference(Metric::kPearson, a, b, targets);
  EXPECT_DOUBLE_EQ(found.difference, 2.0);
  EXPECT_DOUBLE_EQ(found.low, 2.0);
  EXPECT_DOUBLE_EQ(found.high, 2.0);
  const Values constant{1.0, 1.0};
  EXPECT_TRUE(std::isnan(bootstrap_difference(Metric::kPearson, constant, b, targets).low));
  EXPECT_THROW(bootstrap_difference(Metric::kAccuracy, {}, {}, {}), RunError);
  EXPECT_THROW(bootstrap_difference(Metric::kAccuracy, a, b, Values{0.0}), std::invalid_argument);
}

TEST(Bootstrap, OfRunsCoversRowsAndSeeds) {
  const TwoModels models;
  using Runs = std::vector<Values>;
  const auto width = [&](const Runs& a, const Runs& b) {
    const auto found =
        bootstrap_difference_of_runs(Metric::kAccuracy, a, b, models.targets, {1000, 0.95, 1});
    return found.high - found.low;
  };
  const auto one = bootstrap_difference(Metric::kAccuracy, models.a, models.b, models.targets);
  EXPECT_EQ(bootstrap_difference_of_runs(Metric::kAccuracy, Runs{models.a}, Runs{models.b},
                                         models.targets)
                .low,
            one.low);
  // Two equal runs say no more than one; two unequal ones add the uncertainty of the seed.
  EXPECT_NEAR(width({models.a, models.a}, {models.b}), width({models.a}, {models.b}), 0.01);
  EXPECT_GT(width({models.a, models.targets}, {models.b}), width({models.a}, {models.b}) + 0.05);
  // Accuracies 0.8 and 1 against 0.7
  EXPECT_NEAR(bootstrap_difference_of_runs(Metric::kAccuracy, Runs{models.a, models.targets},
                                           Runs{models.b}, models.targets)
                  .difference,
              0.2, 1e-12);
  EXPECT_TRUE(std::isnan(
      bootstrap_difference_of_runs(Metric::kAccuracy, {}, Runs{models.b}, models.targets).low));
}

TEST(Bootstrap, OfFoldsIsPaired) {
  // Fold 1: accuracies 1 and 0; fold 2: 0 and 0. Whatever rows are drawn, a fold's difference stays
  // 1 or 0, so that a resample's mean is 0, 0.5 or 1 with probabilities 1/4, 1/2, 1/4.
  const std::vector<PairedFold> folds{{{1, 1, 1}, {0, 0, 0}, {1, 1, 1}}, {{1, 1}, {1, 1}, {0, 0}}};
  const DifferenceInterval found =
      bootstrap_difference_of_folds(Metric::kAccuracy, folds, {4000, 0.4, 5});
  EXPECT_DOUBLE_EQ(found.difference, 0.5);
  EXPECT_DOUBLE_EQ(found.low, 0.5);
  EXPECT_DOUBLE_EQ(found.high, 0.5);
  const DifferenceInterval wide =
      bootstrap_difference_of_folds(Metric::kAccuracy, folds, {4000, 0.6, 5});
  EXPECT_DOUBLE_EQ(wide.low, 0.0);
  EXPECT_DOUBLE_EQ(wide.high, 1.0);
  // Rows of a single fold: four of which one differs, so 0.25 and an interval around it.
  const DifferenceInterval rows = bootstrap_difference_of_folds(
      Metric::kAccuracy, std::vector<PairedFold>{{{1, 1, 1, 1}, {1, 1, 1, 0}, {1, 1, 1, 1}}});
  EXPECT_DOUBLE_EQ(rows.difference, 0.25);
  EXPECT_DOUBLE_EQ(rows.low, 0.0);
  EXPECT_DOUBLE_EQ(rows.high, 0.75);
  EXPECT_TRUE(std::isnan(bootstrap_difference_of_folds(Metric::kAccuracy, {}).low));
  EXPECT_THROW(bootstrap_difference_of_folds(Metric::kAccuracy,
                                             std::vector<PairedFold>{{{1, 1}, {1, 1}, {1}}}),
               std::invalid_argument);
}

TEST(Bootstrap, OfMeansOverSeeds) {
  // Of the 27 resamples of three values one has the mean 1 and one the mean 3: 3.7 % each, so both
  // lie within the outer 2.5 %.
  const DifferenceInterval found =
      bootstrap_mean_difference(Values{1, 2, 3}, Values{0, 0}, {4000, 0.95, 5});
  EXPECT_DOUBLE_EQ(found.difference, 2.0);
  EXPECT_DOUBLE_EQ(found.low, 1.0);
  EXPECT_DOUBLE_EQ(found.high, 3.0);
  EXPECT_TRUE(std::isnan(bootstrap_mean_difference({}, Values{1}).difference));
}

}  // namespace
}  // namespace linformer
