#include "linformer/train/step_guard.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(StepGuard, FindsWhatIsNotFinite) {
  const StepGuard guard{GuardConfig{}};
  EXPECT_FALSE(guard.find_problem(1.0, 2.0));
  EXPECT_THAT(guard.find_problem(kNan, 2.0).value(), HasSubstr("the loss is not finite (nan)"));
  EXPECT_THAT(guard.find_problem(1.0, kInfinity).value(),
              HasSubstr("the gradient norm is not finite (inf)"));
  EXPECT_FALSE(guard.find_problem(1e30, 1e30)) << "spikes are off unless asked for";
}

TEST(StepGuard, ASpikeIsMeasuredInStandardDeviationsOfTheLastGoodSteps) {
  GuardConfig config;
  config.spike_zscore = 3.0;
  config.spike_window = 8;
  StepGuard guard(config);
  // Losses 2, 4, 2, 4, ...: mean 3, deviation 1; norms 1, 1, ...: no deviation, so no spike.
  for (int i = 0; i < 7; ++i) guard.accept(i % 2 == 0 ? 2.0 : 4.0, 1.0);
  EXPECT_FALSE(guard.find_problem(100.0, 1.0)) << "seven steps say too little";
  guard.accept(4.0, 1.0);
  EXPECT_FALSE(guard.find_problem(5.9, 50.0));
  EXPECT_THAT(guard.find_problem(6.1, 1.0).value(), HasSubstr("the loss is a spike"));
  EXPECT_FALSE(guard.find_problem(-100.0, 1.0)) << "only upwards";
  // The window moves on: eight more losses of 10 and 12, mean 11, deviation 1.
  for (int i = 0; i < 8; ++i) guard.accept(i % 2 == 0 ? 10.0 : 12.0, 1.0);
  EXPECT_FALSE(guard.find_problem(13.9, 1.0));
  EXPECT_TRUE(guard.find_problem(14.1, 1.0));
  EXPECT_EQ(guard.state().losses.size(), 8u);
}

TEST(StepGuard, CountsSkipsInARow) {
  GuardConfig config;
  config.max_skipped_steps = 2;
  StepGuard guard(config);
  EXPECT_TRUE(guard.skip());
  EXPECT_TRUE(guard.skip());
  guard.accept(1.0, 1.0);
  EXPECT_TRUE(guard.skip());
  EXPECT_TRUE(guard.skip());
  EXPECT_FALSE(guard.skip());
  EXPECT_EQ(guard.state().num_skips, 5);
}

TEST(StepGuard, PassesOverTheBadStepsAndSomeBeforeThem) {
  GuardConfig config;
  config.skip_before = 3;
  StepGuard guard(config);
  guard.blame(/*bad_step=*/20, /*num_bad=*/5, /*num_rollbacks=*/1, /*rollback_step=*/10);
  // steps 16 to 20 were bad, and 13, 14, 15 before them
  for (const int64_t step : {12, 21}) EXPECT_FALSE(guard.passes_over(step)) << step;
  for (const int64_t step : {13, 16, 20}) EXPECT_TRUE(guard.passes_over(step)) << step;
  EXPECT_EQ(guard.state().num_rollbacks, 2);
  EXPECT_EQ(guard.state().rollback_step, 10);
  guard.blame(2, 1, 2, 0);  // there is no step before the first
  EXPECT_EQ(guard.state().passed_over.back(), (StepRange{1, 2}));
  EXPECT_TRUE(guard.passes_over(20));
}

}  // namespace
}  // namespace linformer
