// Runs that are resumed with other settings: the effects of the rules in config/resume_rules.h.
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/checkpoint/manifest.h"
#include "linformer/config/config_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"
#include "linformer/objectives/pretraining_run.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A run of six steps, and copies of it that go on.
class ResumeTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    tiny_ = new TinyRun();
    add_log_file(tiny_->file("log.txt"));
    PretrainingRun(config("six")).run();
  }
  static void TearDownTestSuite() {
    delete tiny_;
    tiny_ = nullptr;
  }
  ResumeTest() { set_stop_signal(0); }

  static PretrainConfig config(const std::string& name) {
    PretrainConfig config = tiny_->config(name);
    config.training.max_steps = 6;
    config.training.learning_rate = 1e-3;
    config.evaluation.every = 3;
    config.checkpoint.every = 3;
    config.logging.tensorboard = false;
    return config;
  }

  /// A copy of the run, and its configuration with `assignment` ("" = none).
  PretrainConfig copy_with(const std::string& assignment) const {
    const std::string name = "copy-" + std::to_string(number_++);
    fs::copy(tiny_->file("six"), tiny_->file(name),
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    PretrainConfig changed = config(name);
    if (!assignment.empty()) apply_override(fields_of(changed), assignment);
    return changed;
  }

  /// The warnings and errors of what is done.
  static std::string warnings_of(const std::function<void()>& what) {
    const std::string log = tiny_->file("log.txt");
    const auto before = static_cast<std::streamoff>(fs::file_size(log));
    what();
    std::ifstream stream(log);
    stream.seekg(before);
    std::string warnings;
    for (std::string line; std::getline(stream, line);) {
      if (line.find("info: ") == line.npos) warnings += line + "\n";
    }
    return warnings;
  }

  static std::string state_of(const std::string& run) {
    return run + "/checkpoints/latest/training/state.json";
  }

  static TinyRun* tiny_;
  static inline int number_ = 0;
};

TinyRun* ResumeTest::tiny_ = nullptr;

TEST_F(ResumeTest, TheSameSettingsGoOnWithoutAWord) {
  PretrainConfig run = copy_with("");
  EXPECT_THAT(warnings_of([&] { PretrainingRun(run).run(); }), IsEmpty());
}

TEST_F(ResumeTest, RefusesWithTheOldAndTheNewValue) {
  const struct {
    const char *assignment, *message;
  } kRefused[] = {
      {"training.optimizer.type=lamb",
       "training.optimizer.type: lamb, but the checkpoint was made with adamw"},
      {"run.seed=9", "run.seed: 9, but the checkpoint was made with 1"},
      {"model.attention.init=block_average",
       "model.attention.init: block_average, but the checkpoint was made with normal"},
      {"model.initializer_range=0.05",
       "model.initializer_range: 0.05, but the checkpoint was made with 0.02"},
      {"model.position_init=sinusoidal", "model.position_init: sinusoidal, but"},
      {"data.mlm_probability=0.2", "data.mlm_probability: 0.2, but the checkpoint was made with"},
      {"data.masking=whole_word", "data.masking: whole_word, but the checkpoint was made with"},
      {"data.final_mlm_probability=0.3", "data.final_mlm_probability: 0.3, but"},
      {"model.hidden_act=gelu_new", "model.hidden_act: gelu_new instead of gelu"},
  };
  for (const auto& [assignment, message] : kRefused) {
    const PretrainConfig changed = copy_with(assignment);
    EXPECT_THAT(message_of<UsageError>([&] { PretrainingRun run(changed); }),
                AllOf(HasSubstr(message), HasSubstr("another run.dir")))
        << assignment;
  }
  PretrainConfig both = copy_with("run.seed=9");
  both.training.optimizer.type = OptimizerType::kLamb;
  EXPECT_THAT(message_of<UsageError>([&] { PretrainingRun run(both); }),
              AllOf(HasSubstr("run.seed: 9"), HasSubstr("; training.optimizer.type: lamb, but")));
}

TEST_F(ResumeTest, WarnsWithTheOldAndTheNewValue) {
  const struct {
    const char *assignment, *warning;
  } kWarned[] = {
      {"training.optimizer.betas=[0.8, 0.9]", "[0.9, 0.98] until step 6, now [0.8, 0.9]: "},
      {"training.optimizer.weight_decay=0.5", "0.01 until step 6, now 0.5: "},
      {"training.optimizer.max_grad_norm=2.5", "1.0 until step 6, now 2.5: "},
      {"model.hidden_dropout_prob=0.25", "0.1 until step 6, now 0.25: "},
      {"training.precision=bf16", "auto until step 6, now bf16: "},
      {"training.guard.spike_zscore=9.0", "0.0 until step 6, now 9.0: "},
      {"training.micro_batch_size=2", "4 until step 6, now 2: "},
      {"training.ema_decay=0.9", "null until step 6, now 0.9: "},
      {"training.schedule.type=constant", "linear until step 6, now constant: "},
      {"training.learning_rate=0.5", "0.001 until step 6, now 0.5: "},
      {"training.global_batch_size=16", "8 until step 6, now 16: "},
  };
  for (const auto& [assignment, warning] : kWarned) {
    PretrainConfig changed = copy_with(assignment);
    changed.training.max_steps = 12;
    const std::string key = std::string(assignment).substr(0, std::string(assignment).find('='));
    EXPECT_THAT(warnings_of([&] { PretrainingRun run(changed); }),
                HasSubstr("warning: " + key + ": " + warning));
  }
}

TEST_F(ResumeTest, MoreStepsNameBothLearningRates) {
  PretrainConfig longer = copy_with("training.max_steps=12");
  const std::string warnings = warnings_of([&] { PretrainingRun(longer).run(); });
  EXPECT_THAT(warnings, HasSubstr("training.max_steps: 6 until step 6, now 12"));
  const auto rate = [&](int64_t step) {
    for (const auto& line : log_of(longer.run.dir)) {
      if (line.value("step", 0) == step && line.contains("learning_rate")) {
        return format_number(line["learning_rate"].get<double>(), 2);
      }
    }
    return std::string("no such step");
  };
  EXPECT_THAT(warnings, HasSubstr("the learning rate goes from " + rate(6) + " in step 6 to " +
                                  rate(7) + " in step 7"));
  EXPECT_NE(rate(6), rate(7));
  // What was said once is how the run is from then on.
  EXPECT_THAT(warnings_of([&] { PretrainingRun run(longer); }), IsEmpty());
}

TEST_F(ResumeTest, WhatDoesNotMatterIsTakenWithoutAWord) {
  for (const char* assignment :
       {"run.threads=1", "evaluation.every=2", "evaluation.micro_batch_size=3",
        "training.activation_checkpointing=true", "checkpoint.every=1", "checkpoint.keep_last=5",
        "logging.every=2", "data.prefetch_batches=3", "training.max_hours=20",
        "distributed.timeout_seconds=50"}) {
    PretrainConfig changed = copy_with(assignment);
    EXPECT_THAT(warnings_of([&] { PretrainingRun run(changed); }), IsEmpty()) << assignment;
  }
  // Places may change; what lies there is compared.
  PretrainConfig moved = copy_with("");
  moved.data.train = {tiny_->file("train-copy")};
  moved.tokenizer.model = tiny_->file("tokenizer-copy.model");
  fs::copy(tiny_->tokenizer_path(), moved.tokenizer.model);
  for (const char* shard : {"-00000.shard", "-00001.shard"}) {
    fs::copy(tiny_->file("train") + shard, moved.data.train.front() + shard);
  }
  EXPECT_THAT(warnings_of([&] { PretrainingRun run(moved); }), IsEmpty());
  moved.data.train = {tiny_->file("valid")};
  EXPECT_THAT(message_of<UsageError>([&] { PretrainingRun run(moved); }),
              HasSubstr("data.train: other data than in the checkpoint"));
}

TEST_F(ResumeTest, AFinishedRunSaysWhatChangesNothing) {
  PretrainConfig changed = copy_with("training.learning_rate=0.5");
  changed.training.optimizer.betas = {0.5, 0.5};
  const std::string yaml = read_text_file(changed.run.dir + "/config.yaml");
  const std::string state = read_text_file(state_of(changed.run.dir));
  const std::string warnings = warnings_of([&] {
    PretrainingRun run(changed);
    EXPECT_EQ(run.run(), StopReason::kFinished);
    EXPECT_EQ(run.state().step, 6);
  });
  EXPECT_THAT(warnings,
              AllOf(HasSubstr("training.learning_rate: 0.5 changes nothing: the run was finished "
                              "at step 6, with 0.001"),
                    HasSubstr("training.optimizer.betas: [0.5, 0.5] changes nothing"),
                    Not(HasSubstr("the learning rate goes"))));
  EXPECT_EQ(read_text_file(changed.run.dir + "/config.yaml"), yaml);
  EXPECT_EQ(read_text_file(state_of(changed.run.dir)), state);
}

TEST_F(ResumeTest, OtherHeldOutDataLetTheBestMove) {
  // Scores of the old set are far above what the new one gives, which has to do no harm.
  const struct {
    const char *assignment, *warning;
  } kOther[] = {{"data.valid", "other held-out data than in the checkpoint"},
                {"evaluation.mask_seed=8", "evaluation.mask_seed: 7 until step 6, now 8"},
                {"evaluation.max_sequences=2", "evaluation.max_sequences: 0 until step 6, now 2"},
                {"evaluation.mlm_probability=0.4", "evaluation.mlm_probability: null until"}};
  for (const auto& [assignment, warning] : kOther) {
    const bool other_files = std::string(assignment) == "data.valid";
    PretrainConfig changed = copy_with(other_files ? "" : assignment);
    if (other_files) changed.data.valid = {tiny_->file("train")};
    changed.evaluation.early_stop_min_delta = 100.0;  // nothing is better than what was
    changed.training.max_steps = 12;
    const std::string warnings = warnings_of([&] {
      PretrainingRun run(changed);
      EXPECT_FALSE(run.state().best_score);
      run.run();
      EXPECT_EQ(run.state().best_step, 9) << assignment;
    });
    EXPECT_THAT(warnings, AllOf(HasSubstr(warning), HasSubstr("does not compare"))) << assignment;
    EXPECT_EQ(fs::read_symlink(changed.run.dir + "/checkpoints/best").string(), "step-00000009");
    // Once.
    PretrainingRun again(changed);
    EXPECT_EQ(again.state().best_step, 9) << assignment;
  }
}

TEST_F(ResumeTest, AFinishedRunIsMeasuredOnOtherHeldOutDataOnce) {
  for (const bool other_files : {true, false}) {
    PretrainConfig changed = copy_with(other_files ? "" : "evaluation.mask_seed=8");
    if (other_files) changed.data.valid = {tiny_->file("train")};
    const auto start = [&] {
      PretrainingRun run(changed);
      EXPECT_EQ(run.run(), StopReason::kFinished);
      EXPECT_EQ(run.state().best_step, 6);
    };
    EXPECT_THAT(warnings_of(start), HasSubstr("does not compare"));
    EXPECT_EQ(fs::read_symlink(changed.run.dir + "/checkpoints/best").string(), "step-00000006");
    EXPECT_THAT(warnings_of(start), IsEmpty());
  }
}

TEST_F(ResumeTest, ACheckpointOfAnEarlierFormatGoesOn) {
  PretrainConfig run = copy_with("training.learning_rate=0.5");
  const std::string newest = run.run.dir + "/checkpoints/step-00000006";
  auto state = nlohmann::json::parse(read_text_file(newest + "/training/state.json"));
  ASSERT_EQ(state["format_version"], 2);
  EXPECT_EQ(state["settings"]["training.optimizer.type"], "adamw");
  for (const char* key : {"settings", "learning_rate", "held_out_fingerprint"}) state.erase(key);
  state["format_version"] = 1;
  write_file_atomically(newest + "/training/state.json", state.dump());
  write_manifest(newest);
  EXPECT_THAT(warnings_of([&] { PretrainingRun(run).run(); }),
              HasSubstr("written by an earlier version, which kept no settings"));
  run.run.seed = 9;
  EXPECT_THAT(message_of<UsageError>([&] { PretrainingRun again(run); }),
              HasSubstr("run.seed: 9, but the checkpoint was made with 1"));
}

}  // namespace
}  // namespace linformer
