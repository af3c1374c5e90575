// Bad steps, saving on request, and saving before a session ends.
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <thread>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"
#include "linformer/objectives/pretraining_run.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Events of log.jsonl of one kind.
std::vector<nlohmann::json> events_of(const std::string& run, const std::string& kind) {
  std::vector<nlohmann::json> events;
  for (const auto& line : log_of(run)) {
    if (line.value("event", "") == kind) events.push_back(line);
  }
  return events;
}

class RecoveryTest : public ::testing::Test {
 protected:
  RecoveryTest() { set_stop_signal(0); }

  PretrainConfig config(const std::string& name) const {
    PretrainConfig config = tiny_.config(name);
    config.training.schedule.type = ScheduleType::kConstant;
    config.evaluation.every = 0;
    return config;
  }

  TinyRun tiny_;
};

TEST_F(RecoveryTest, ASpikeIsSkippedAndTheWeightsStay) {
  PretrainConfig guarded = config("guarded");
  guarded.training.guard.spike_window = 8;
  guarded.training.guard.spike_zscore = 1e-9;  // whatever is above the mean of the last eight
  guarded.training.guard.max_skipped_steps = 100;
  guarded.checkpoint.every = 1;
  guarded.checkpoint.keep_last = 100;
  PretrainingRun trainer(guarded);
  trainer.run();
  const auto skipped = events_of(guarded.run.dir, "skipped");
  ASSERT_FALSE(skipped.empty());
  EXPECT_EQ(trainer.state().step, 12);
  EXPECT_EQ(trainer.state().num_updates, 12 - static_cast<int64_t>(skipped.size()));
  EXPECT_EQ(trainer.state().position, 12 * 8);
  for (const auto& event : skipped) {
    EXPECT_THAT(event["reason"].get<std::string>(), HasSubstr("is a spike"));
    EXPECT_THAT(event["sequences"].get<std::string>(), HasSubstr(" of epoch "));
  }
  // A step in trouble gets no checkpoint, so the last one before it is of the step before.
  const int64_t first = skipped.front()["step"].get<int64_t>();
  EXPECT_GT(first, 8);
  EXPECT_TRUE(
      fs::exists(guarded.run.dir + "/checkpoints/step-0000000" + std::to_string(first - 1)));
}

TEST_F(RecoveryTest, StoppedInTroubleItGoesOnToTheBit) {
  PretrainConfig whole = config("whole");
  whole.training.guard.spike_window = 8;
  whole.training.guard.spike_zscore = 0.5;
  whole.training.guard.max_skipped_steps = 100;
  whole.training.max_steps = 24;
  PretrainingRun(whole).run();
  ASSERT_FALSE(events_of(whole.run.dir, "skipped").empty());
  PretrainConfig half = whole;
  half.run.dir = tiny_.file("half");
  for (const int64_t end : {11, 17, 24}) {
    half.training.max_steps = end;
    PretrainingRun(half).run();
  }
  EXPECT_EQ(bits_of(half.run.dir, 24), bits_of(whole.run.dir, 24));
  const auto steps_of = [](const std::string& run) {
    auto lines = log_of(run);
    std::erase_if(lines, [](const auto& line) { return line.contains("valid_loss"); });
    return lines;
  };
  const auto a = steps_of(half.run.dir);
  const auto b = steps_of(whole.run.dir);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i]["step"], b[i]["step"]);
    if (a[i].contains("event")) {
      EXPECT_EQ(a[i], b[i]);
    }
  }
}

/// Poisons the weights once `step` steps are done, as a damaged update would.
void poison(const PretrainingRun& trainer) {
  trainer.model().parameters().get("lm_head.dense.weight").detach().fill_(NAN);
}

TEST_F(RecoveryTest, RollsBackToTheLastCheckpointAndPassesOverTheSteps) {
  PretrainConfig run = config("run");
  run.training.guard.max_skipped_steps = 2;
  run.training.guard.skip_before = 1;
  run.training.max_steps = 6;
  PretrainingRun(run).run();  // checkpoints at 4 and 6
  run.training.max_steps = 16;
  PretrainingRun trainer(run);
  ASSERT_EQ(trainer.state().step, 6);
  poison(trainer);
  EXPECT_EQ(trainer.run(), StopReason::kFinished);
  // Steps 7, 8, 9 are bad, 9 is one too many: back to 6, and 6 to 9 are passed over (6 is done).
  const auto rolled = events_of(run.run.dir, "rolled_back");
  ASSERT_EQ(rolled.size(), 1u);
  EXPECT_EQ(rolled[0]["step"], 6);
  EXPECT_EQ(rolled[0]["from_step"], 9);
  EXPECT_EQ(events_of(run.run.dir, "skipped").size(), 3u);
  std::vector<int64_t> passed;
  for (const auto& event : events_of(run.run.dir, "passed_over")) passed.push_back(event["step"]);
  EXPECT_THAT(passed, ElementsAre(7, 8, 9));
  EXPECT_EQ(trainer.state().step, 16);
  EXPECT_EQ(trainer.state().num_updates, 13);
  EXPECT_EQ(trainer.state().guard.num_rollbacks, 1);
  EXPECT_TRUE(trainer.last_evaluation());
  EXPECT_TRUE(std::isfinite(trainer.last_evaluation()->model.mean()));
}

TEST_F(RecoveryTest, WhatARollbackDecidedSurvivesAStop) {
  PretrainConfig run = config("run");
  run.training.guard.max_skipped_steps = 1;
  run.training.max_steps = 6;
  PretrainingRun(run).run();
  run.training.max_steps = 10;
  {
    PretrainingRun trainer(run);
    poison(trainer);
    trainer.run();
  }
  const std::string expected = bits_of(run.run.dir, 10);
  // The newest checkpoint before the end is that of the rollback: gone on from there.
  fs::remove_all(run.run.dir + "/checkpoints/step-00000010");
  fs::remove_all(run.run.dir + "/checkpoints/step-00000008");
  PretrainingRun again(run);
  EXPECT_EQ(again.state().step, 6);
  EXPECT_EQ(again.state().guard.num_rollbacks, 1);
  again.run();
  EXPECT_EQ(bits_of(run.run.dir, 10), expected);
}

TEST_F(RecoveryTest, ASecondRollbackGoesFurtherBackAndThenTheRunEnds) {
  PretrainConfig run = config("run");
  run.training.guard.max_skipped_steps = 0;
  run.training.guard.max_rollbacks = 2;
  run.training.learning_rate = 1e-3;
  run.training.max_steps = 8;
  PretrainingRun(run).run();  // checkpoints at 4 and 8
  run.training.max_steps = 40;
  run.training.learning_rate = 1e30;  // what is bad does not go away
  PretrainingRun trainer(run);
  const std::string message = message_of<RunError>([&] { trainer.run(); });
  EXPECT_THAT(message, HasSubstr("2 rollbacks did not help"));
  const auto rolled = events_of(run.run.dir, "rolled_back");
  ASSERT_EQ(rolled.size(), 2u);
  EXPECT_EQ(rolled[0]["step"], 8);
  EXPECT_EQ(rolled[1]["step"], 4);
  EXPECT_TRUE(fs::exists(run.run.dir + "/checkpoints/step-00000004"));
}

TEST_F(RecoveryTest, ASignalSavesAndTrainingGoesOn) {
  PretrainConfig run = config("run");
  run.checkpoint.every = 0;
  install_save_signal();
  PretrainingRun trainer(run);
  std::raise(SIGUSR1);
  EXPECT_EQ(trainer.run(), StopReason::kFinished);
  EXPECT_TRUE(fs::exists(run.run.dir + "/checkpoints/step-00000001/MANIFEST.json"));
  EXPECT_FALSE(fs::exists(run.run.dir + "/checkpoints/step-00000002"));
  EXPECT_EQ(trainer.state().step, 12);
}

TEST_F(RecoveryTest, StopsBeforeTheSessionEndsAndGoesOn) {
  PretrainConfig whole = config("whole");
  PretrainingRun(whole).run();
  PretrainConfig run = config("run");
  run.checkpoint.save_before_seconds = 3600;
  ::setenv("SLURM_JOB_END_TIME", std::to_string(std::time(nullptr) + 60).c_str(), 1);
  {
    PretrainingRun trainer(run);
    EXPECT_EQ(trainer.run(), StopReason::kSessionEnd);  // at once
    EXPECT_EQ(trainer.state().step, 0);
  }
  ::unsetenv("SLURM_JOB_END_TIME");
  run.checkpoint.save_before_seconds = 0;
  PretrainingRun rest(run);
  EXPECT_EQ(rest.run(), StopReason::kFinished);
  EXPECT_EQ(bits_of(run.run.dir, 12), bits_of(whole.run.dir, 12));
}

TEST_F(RecoveryTest, ASessionThatIsOverBeforeItsFirstStepIsAnError) {
  // Longer than the time to save, but not by what starting takes.
  PretrainConfig run = config("run");
  run.training.session_hours = (3600.0 + 1e-6) / 3600.0;
  run.checkpoint.save_before_seconds = 3600;
  run.validate();
  PretrainingRun trainer(run);
  EXPECT_THAT(message_of<RunError>([&] { trainer.run(); }),
              HasSubstr("training.session_hours: the session was over before its first step"));
}

}  // namespace
}  // namespace linformer
