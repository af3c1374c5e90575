// Evaluations and steps that measure nothing, find bad values or fail, and what is saved then.
#include <filesystem>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/special_tokens.h"
#include "linformer/models/model_folder.h"
#include "linformer/objectives/masked_lm_objective.h"
#include "linformer/objectives/pretraining_run.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TrainerEvaluation : public ::testing::Test {
 protected:
  PretrainConfig config(const std::string& name) const {
    PretrainConfig config = tiny_.config(name);
    config.training.schedule.type = ScheduleType::kConstant;
    return config;
  }

  /// Shards of these documents; returns their prefix.
  std::string shards(const std::string& name, const Documents& documents) const {
    const Tokenizer& words = unigram_tokenizer();
    write_shards(tiny_.file(name), documents, 1, {words.vocab_size(), words.hash(), 0});
    return tiny_.file(name);
  }
  /// Text that no mask falls on.
  std::string unknown_words(const std::string& name, size_t documents) const {
    return shards(name, Documents(documents, {std::vector<int32_t>(6, kUnkId)}));
  }

  std::string checkpoint(const PretrainConfig& config, int64_t step) const {
    char name[32];
    std::snprintf(name, sizeof(name), "step-%08ld", static_cast<long>(step));
    return config.run.dir + "/checkpoints/" + name;
  }
  static std::vector<nlohmann::json> evaluations_of(const std::string& run) {
    std::vector<nlohmann::json> lines = log_of(run);
    std::erase_if(lines, [](const auto& line) { return !line.contains("valid_loss"); });
    return lines;
  }

  TinyRun tiny_;
};

TEST_F(TrainerEvaluation, NothingMaskedInHeldOutTextIsNoFailure) {
  PretrainConfig plain = config("plain");
  plain.data.valid = {};
  PretrainingRun(plain).run();
  const std::string expected = bits_of(plain.run.dir, 12);
  const std::string valid = unknown_words("nothing", 3);
  for (const int64_t every : {0, 5, 12}) {
    PretrainConfig config = this->config("every" + std::to_string(every));
    config.data.valid = {valid};
    config.evaluation.every = every;
    config.evaluation.early_stop_patience = every > 0 ? 1 : 0;  // what is not measured is no worse
    config.checkpoint.every = 0;
    PretrainingRun trainer(config);
    EXPECT_EQ(trainer.run(), StopReason::kFinished);
    EXPECT_EQ(trainer.state().step, 12);
    EXPECT_FALSE(trainer.state().best_score);
    EXPECT_TRUE(bits_of(config.run.dir, 12) == expected);
    EXPECT_FALSE(fs::exists(config.run.dir + "/checkpoints/best"));
    const auto lines = evaluations_of(config.run.dir);
    ASSERT_EQ(lines.size(), every == 5 ? 3u : 1u);
    for (const auto& line : lines) {
      EXPECT_TRUE(line["valid_loss"].is_null() && line["valid_perplexity"].is_null() &&
                  line["valid_bits_per_byte"].is_null() && line["unigram_perplexity"].is_null());
      EXPECT_EQ(line["valid_masked_tokens"], 0);
    }
  }
}

TEST_F(TrainerEvaluation, StepsWithNothingToPredictChangeNothing) {
  PretrainConfig config = this->config("run");
  config.data.train = {unknown_words("unknown", 60)};
  config.logging.statistics_every = 1;
  const Model fresh = [&] {
    PretrainConfig start = config;
    start.run.dir = tiny_.file("start");
    return PretrainingRun(start).model();
  }();
  PretrainingRun trainer(config);
  EXPECT_EQ(trainer.run(), StopReason::kFinished);
  EXPECT_EQ(trainer.state().step, 12);
  EXPECT_EQ(trainer.state().num_updates, 0);
  for (const Parameter& parameter : trainer.model().parameters().all()) {
    EXPECT_TRUE(at::equal(parameter.tensor, fresh.parameters().get(parameter.name)))
        << parameter.name;
  }
  int64_t steps = 0;
  for (const auto& line : log_of(config.run.dir)) {
    EXPECT_FALSE(line.contains("event")) << line;
    if (!line.contains("loss")) continue;
    ++steps;
    EXPECT_TRUE(line["loss"].is_null() && line["perplexity"].is_null()) << line;
  }
  EXPECT_EQ(steps, 12);
  EXPECT_TRUE(std::isfinite(trainer.last_evaluation()->model.mean()));
}

TEST_F(TrainerEvaluation, StepsWithSomethingToPredictLearnBetweenEmptyOnes) {
  Documents documents(30, {std::vector<int32_t>(22, kUnkId)});
  for (int32_t i = 0; i < 10; ++i) documents.push_back({std::vector<int32_t>(22, 20 + i)});
  PretrainConfig whole = config("whole");
  whole.data.train = {shards("mixed", documents)};
  whole.training.global_batch_size = 1;
  whole.training.micro_batch_size = 1;
  whole.training.max_steps = 40;
  // Empty steps are no losses of zero to compare the others with.
  whole.training.guard.spike_window = 8;
  whole.training.guard.spike_zscore = 20.0;
  whole.checkpoint.keep_last = 20;
  PretrainingRun trainer(whole);
  trainer.run();
  int64_t learned = 0;
  for (const auto& line : log_of(whole.run.dir)) {
    EXPECT_FALSE(line.contains("event")) << line;
    if (line.contains("loss") && !line["loss"].is_null()) ++learned;
  }
  EXPECT_EQ(trainer.state().num_updates, learned);
  EXPECT_GT(learned, 3);
  EXPECT_LT(learned, 25);
  PretrainConfig half = whole;
  half.run.dir = tiny_.file("half");
  for (const int64_t end : {9, 40}) {
    half.training.max_steps = end;
    PretrainingRun(half).run();
  }
  EXPECT_TRUE(bits_of(half.run.dir, 40) == bits_of(whole.run.dir, 40));
}

TEST_F(TrainerEvaluation, TroubleIsTheGuardsMatterNotTheEvaluations) {
  for (const int64_t every : {1, 3}) {
    PretrainConfig config = this->config("run" + std::to_string(every));
    config.evaluation.every = 0;
    config.training.guard.max_skipped_steps = 2;
    config.training.max_steps = 6;
    PretrainingRun(config).run();
    config.evaluation.every = every;
    config.training.max_steps = 16;
    PretrainingRun trainer(config);
    trainer.model().parameters().get("lm_head.dense.weight").detach().fill_(NAN);
    EXPECT_EQ(trainer.run(), StopReason::kFinished);
    EXPECT_EQ(trainer.state().guard.num_rollbacks, 1);
    EXPECT_EQ(trainer.state().step, 16);
    EXPECT_TRUE(std::isfinite(trainer.last_evaluation()->model.mean()));
    // The passed-over steps 7, 8, 9 are not evaluated, and no step without need.
    EXPECT_FALSE(evaluations_of(config.run.dir).empty());
    for (const auto& line : evaluations_of(config.run.dir)) {
      EXPECT_TRUE(line["valid_loss"].is_number()) << line;
    }
  }
}

TEST_F(TrainerEvaluation, AnUpdateThatDestroysTheModelIsRolledBackNotEvaluatedToDeath) {
  PretrainConfig config = this->config("run");
  config.training.max_steps = 4;
  PretrainingRun(config).run();
  config.training.max_steps = 40;
  config.training.learning_rate = 1e30;
  config.training.optimizer.max_grad_norm = 0.0;
  config.training.guard.max_skipped_steps = 1;
  config.training.guard.max_rollbacks = 2;
  config.evaluation.every = 1;  // also right after the update, before any step is in trouble
  config.checkpoint.every = 1;
  PretrainingRun trainer(config);
  EXPECT_THAT(message_of<RunError>([&] { trainer.run(); }),
              AllOf(HasSubstr("2 rollbacks did not help"), Not(HasSubstr("held-out"))));
  // The step whose evaluation was not finite is no state to come back to.
  EXPECT_TRUE(fs::exists(checkpoint(config, 4)));
  EXPECT_FALSE(fs::exists(checkpoint(config, 5)));
}

TEST_F(TrainerEvaluation, ALastEvaluationThatIsNotFiniteIsAnErrorAndKeepsWhatWasBefore) {
  for (const int64_t every : {0, 5}) {
    PretrainConfig config = this->config("run" + std::to_string(every));
    config.training.max_steps = 4;
    PretrainingRun(config).run();
    config.training.max_steps = 5;
    config.training.learning_rate = 1e30;
    config.evaluation.every = every;
    PretrainingRun trainer(config);
    EXPECT_THAT(message_of<RunError>([&] { trainer.run(); }),
                AllOf(HasSubstr("evaluation at step 5"), HasSubstr("is not finite"),
                      HasSubstr("lower training.learning_rate")));
    EXPECT_TRUE(fs::exists(checkpoint(config, 4)));
  }
}

// Nobody should look for the fault in a learning rate that was never used.
TEST_F(TrainerEvaluation, WeightsThatAreTooLargeFromTheStartAreNamedAsTheFault) {
  PretrainConfig infinite = config("infinite");
  infinite.model.initializer_range = 1e39;
  PretrainConfig huge = config("huge");  // finite weights, whose gradients are not
  huge.model.initializer_range = 1e37;
  make_directories(tiny_.file("model"));
  const MaskedLmObjective task(huge);
  const ModelFiles files = task.model_files();
  save_model_files(tiny_.file("model"), files.config_json, files.tensors, files.tokenizer);
  PretrainConfig from = config("from");
  from.run.init_from = tiny_.file("model");
  struct Case {
    PretrainConfig config;
    int64_t steps;  // one: the last evaluation; many: the guard
    std::string fix;
  };
  const std::string start = "lower model.initializer_range, and start anew";
  for (Case run : std::vector<Case>{
           {infinite, 1, start},
           {infinite, 40, start},
           {huge, 40, start},
           {from, 40, "take another one than " + tiny_.file("model") + " as run.init_from"}}) {
    run.config.run.dir += std::to_string(run.steps);
    run.config.training.max_steps = run.steps;
    run.config.checkpoint.every = 0;
    EXPECT_THAT(message_of<RunError>([&] { PretrainingRun(run.config).run(); }),
                AllOf(HasSubstr("not finite"), HasSubstr("no step has changed the weights yet"),
                      HasSubstr(run.fix), Not(HasSubstr("learning_rate"))))
        << run.config.run.dir;
  }
}

/// Pre-training whose evaluations look around, or fail as those that cannot read their data.
class WatchedTraining : public MaskedLmObjective {
 public:
  using MaskedLmObjective::MaskedLmObjective;
  std::optional<EvaluationScore> evaluate(Communicator& communicator) override {
    before_evaluation();
    return MaskedLmObjective::evaluate(communicator);
  }
  std::function<void()> before_evaluation;
};

void train(WatchedTraining& task) {
  const PretrainConfig& config = task.config();
  TrainerSetup setup;
  setup.config = config.trainer();
  setup.resolved_yaml = dump_yaml(config);
  setup.shared_settings = shared_settings(config);
  Trainer(task, std::move(setup)).run();
}

TEST_F(TrainerEvaluation, AFinishedRunIsOnTheDiskBeforeItsLastEvaluation) {
  for (const int64_t every : {0, 4, 5}) {
    PretrainConfig config = this->config("run" + std::to_string(every));
    config.evaluation.every = every;
    config.checkpoint.every = 0;
    WatchedTraining task(config);
    int64_t left = every > 0 ? 12 / every + (12 % every > 0 ? 1 : 0) : 1;
    bool saved = false;
    task.before_evaluation = [&] {
      if (--left > 0) return;
      saved = fs::exists(checkpoint(config, 12) + "/MANIFEST.json");
    };
    train(task);
    EXPECT_EQ(left, 0);
    EXPECT_TRUE(saved) << "evaluated every " << every;
    // The state in the end has what the evaluation found.
    const auto state =
        nlohmann::json::parse(read_text_file(checkpoint(config, 12) + "/training/state.json"));
    EXPECT_TRUE(state["best_score"].is_number());
  }
}

TEST_F(TrainerEvaluation, WhatWasTrainedIsSavedWhereAnEvaluationFails) {
  for (const int64_t every : {0, 4}) {
    PretrainConfig config = this->config("run" + std::to_string(every));
    config.evaluation.every = every;
    config.checkpoint.every = 0;
    config.training.ema_decay = 0.9;  // the raw weights are saved as raw ones
    WatchedTraining task(config);
    task.before_evaluation = [] { fail_run("valid-00000.shard", "is damaged", "restore it"); };
    EXPECT_THAT(message_of<RunError>([&] { train(task); }), HasSubstr("is damaged"));
    const int64_t step = every == 0 ? 12 : every;
    EXPECT_TRUE(fs::exists(checkpoint(config, step) + "/MANIFEST.json"));
    PretrainConfig mended = config;
    PretrainingRun rest(mended);
    EXPECT_EQ(rest.state().step, step);
    rest.run();
    PretrainConfig straight = config;
    straight.run.dir = tiny_.file("straight" + std::to_string(every));
    PretrainingRun(straight).run();
    EXPECT_TRUE(bits_of(config.run.dir, 12) == bits_of(straight.run.dir, 12));
  }
}

TEST_F(TrainerEvaluation, TheLastStepHasTheFinalLearningRate) {
  PretrainConfig config = this->config("run");
  config.training.schedule.type = ScheduleType::kLinear;
  config.training.schedule.warmup_steps = 2;
  config.training.schedule.final_learning_rate = 5e-3;
  PretrainingRun(config).run();
  double last = 0.0;
  for (const auto& line : log_of(config.run.dir)) last = line.value("learning_rate", last);
  EXPECT_DOUBLE_EQ(last, 5e-3);
}

}  // namespace
}  // namespace linformer
