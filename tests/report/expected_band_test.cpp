#include "linformer/report/expected_band.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/run_fixture.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using testing::HasSubstr;

/// Three runs whose losses are 5.9, 6.0 and 6.1 at the start.
class ExpectedBandTest : public ::testing::Test {
 protected:
  RunFolder run(const std::string& name, const RunSpec& spec) const {
    return read_run_folder(write_run(folder_.file(name), spec));
  }
  std::vector<RunFolder> three() const {
    return {run("1", {.seed = "1", .loss = 5.9}), run("2", {.seed = "2", .loss = 6.0}),
            run("3", {.seed = "3", .loss = 6.1})};
  }

  TemporaryFolder folder_;
};

TEST_F(ExpectedBandTest, IsAPredictionIntervalOverTheSeeds) {
  const ExpectedCurve curve = expected_curve(three(), "name");
  EXPECT_EQ(curve.configuration, "name");
  EXPECT_THAT(curve.seeds, testing::ElementsAre("1", "2", "3"));
  EXPECT_EQ(curve.machine, "a machine");
  EXPECT_EQ(curve.date, "2026-01-02");
  EXPECT_EQ(curve.settings, (Settings{{"model.hidden_size", "128"}}));
  ASSERT_EQ(curve.points.size(), 2u);
  const ExpectedPoint& point = curve.points.front();
  EXPECT_EQ(point.step, 50);
  EXPECT_EQ(point.tokens, 50000);
  // Held out 5.9, 6.0, 6.1 at step 50 (0.5 higher, 0.5 fallen). t(0.995, 2) = 9.9248, so the reach
  // is 9.9248 * 0.1 * sqrt(4 / 3) = 1.14602.
  EXPECT_NEAR(point.valid_loss.mean, 6.0, 1e-12);
  EXPECT_NEAR(point.valid_loss.stddev, 0.1, 1e-12);
  EXPECT_NEAR(point.valid_loss.high, 7.14602, 1e-5);
  EXPECT_NEAR(point.valid_loss.low, 4.85398, 1e-5);
  // Means of steps 1 to 50: 6.0 - 0.01 * 25.5; of steps 51 to 100: 6.0 - 0.01 * 75.5.
  EXPECT_NEAR(point.train_loss.mean, 5.745, 1e-12);
  EXPECT_NEAR(curve.points.back().train_loss.mean, 5.245, 1e-12);
}

TEST_F(ExpectedBandTest, TellsInsideFromAboveAndBelow) {
  const ExpectedCurve curve = expected_curve(three(), "name");
  struct Case {
    double loss;
    BandCheck::Place place;
  };
  for (const Case& one : {Case{6.2, BandCheck::Place::kInside},
                          {7.0, BandCheck::Place::kInside},
                          {7.3, BandCheck::Place::kAbove},
                          {4.7, BandCheck::Place::kBelow}}) {
    const auto checks = check_band(curve, run("4", {.seed = "4", .loss = one.loss}));
    ASSERT_EQ(checks.size(), 4u);  // two losses at two steps
    for (const BandCheck& check : checks) EXPECT_EQ(check.place, one.place) << check.text();
  }
  const auto checks = check_band(curve, run("4", {.seed = "4", .loss = 7.3}));
  EXPECT_THAT(band_verdict(checks), HasSubstr("outside the expected band at 4 of 4 comparisons, "
                                              "first at step 50: held-out loss 7.3 is above"));
  EXPECT_THAT(band_verdict(check_band(curve, run("4", {.seed = "4", .loss = 6.1}))),
              HasSubstr("inside the expected band at all 4"));
  EXPECT_EQ(check_band(curve, run("4", {.seed = "4"}), 50).size(), 2u);  // after step 50
  EXPECT_EQ(check_band(curve, run("4", {.seed = "4", .steps = 40})).size(), 0u);
}

TEST_F(ExpectedBandTest, InterpolatesBetweenPointsAndComparesNothingOutsideThem) {
  const ExpectedCurve curve = expected_curve(three(), "name");
  const auto checks = check_band(curve, run("4", {.seed = "4", .every = 20}));
  // Evaluations at 60 and 80 lie between the points, the one at 100 on one; 20 and 40 before them.
  std::vector<int64_t> held_out;
  for (const BandCheck& check : checks) {
    if (check.what != "held-out loss") continue;
    held_out.push_back(check.step);
    // The means fall by 0.01 a step, and the reach is the same everywhere.
    EXPECT_NEAR((check.low + check.high) / 2.0, 6.5 - 0.01 * static_cast<double>(check.step), 1e-9);
  }
  EXPECT_THAT(held_out, testing::ElementsAre(60, 80, 100));
}

TEST_F(ExpectedBandTest, EndsWhereAStoppedRunWasStopped) {
  std::vector<RunFolder> runs = three();
  const ExpectedCurve whole = expected_curve(runs, "name");
  ASSERT_EQ(whole.points.size(), 2u);  // at steps 50 and 100
  runs[1] = run("2", {.seed = "2", .steps = 60, .loss = 6.0, .end = "signal"});
  const ExpectedCurve part = expected_curve(runs, "name");
  ASSERT_EQ(part.points.size(), 1u);
  EXPECT_EQ(part.points.front().step, 50);
  EXPECT_EQ(part.settings, whole.settings);
  // A whole run is compared as far as the curve goes.
  const auto checks = check_band(part, run("4", {.seed = "4", .loss = 6.1}));
  ASSERT_EQ(checks.size(), 2u);
  EXPECT_EQ(checks.back().step, 50);
}

TEST_F(ExpectedBandTest, IsForRunsOfItsSettingsAndDataAlone) {
  const ExpectedCurve curve = expected_curve(three(), "name");
  const auto why = [&](const RunSpec& spec) {
    const RunCheckpoint checkpoint = run("4", spec).checkpoint.value();
    return why_not_comparable(curve, checkpoint.settings, checkpoint.train_data,
                              checkpoint.valid_data);
  };
  EXPECT_EQ(why({.seed = "9"}), "");
  EXPECT_EQ(why({.hidden_size = "64"}), "model.hidden_size is 64, in the file 128");
  EXPECT_THAT(why({.train_data = "3"}), HasSubstr("the training data are others"));
}

TEST_F(ExpectedBandTest, RefusesRunsThatMakeNoBand) {
  const auto message = [&](const std::vector<RunFolder>& runs) {
    return message_of<UsageError>([&] { expected_curve(runs, "name"); });
  };
  const std::vector<RunFolder> runs = three();
  EXPECT_THAT(message({runs[0], runs[1]}), HasSubstr("at least three"));
  EXPECT_THAT(message({runs[0], runs[1], runs[1]}), HasSubstr("has seed 2 as another run"));
  EXPECT_THAT(message({runs[0], runs[1], run("s", {.seed = "4", .steps = 60, .end = ""})}),
              HasSubstr("is not finished, and was not stopped (failed at step 60"));
  EXPECT_THAT(message({runs[0], runs[1], run("h", {.seed = "4", .hidden_size = "64"})}),
              HasSubstr("model.hidden_size"));
  EXPECT_THAT(message({runs[0], runs[1], run("d", {.seed = "4", .train_data = "4"})}),
              HasSubstr("training data"));
  EXPECT_THAT(message({run("x", {.seed = "5", .every = 1000}), runs[1], runs[2]}),
              HasSubstr("no evaluation"));
}

}  // namespace
}  // namespace linformer
