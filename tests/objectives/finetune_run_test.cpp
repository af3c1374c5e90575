#include "linformer/objectives/finetune_run.h"

#include <csignal>
#include <filesystem>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "objectives/finetune_fixture.h"

#include "linformer/checkpoint/model_config_json.h"
#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"
#include "linformer/models/model_folder.h"
#include "linformer/objectives/classification_objective.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::_;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

TEST_F(FinetuneRunTest, LearnsAndLeavesTheBestModelAndItsPredictions) {
  FinetuneRun run(config("run"));
  EXPECT_EQ(run.run(), StopReason::kFinished);
  const TaskResult& result = run.result().value();
  EXPECT_EQ(result.steps, 60);  // 4 x 240 / 16
  ASSERT_EQ(result.sets.size(), 2u);
  EXPECT_EQ(result.sets[0].rows, 60);
  EXPECT_EQ(result.sets[0].metrics.front().name, "accuracy");
  EXPECT_GT(result.sets[0].metrics.front().value, 0.95);
  EXPECT_GT(result.sets[1].metrics.front().value, 0.95);
  EXPECT_LT(result.sets[1].majority, 0.7);
  EXPECT_EQ(task_result_from_json(read_text_file(file("run/result.json")), "result"), result);
  EXPECT_EQ(load_finetune_config(file("run/config.yaml"), {}, recipe_of_task), run.config());
  // One evaluation an epoch, and the best one's weights are what is measured.
  std::vector<int64_t> steps;
  double best = 0.0;
  for (const auto& line : log_of(file("run"))) {
    if (!line.contains("valid_accuracy")) continue;
    steps.push_back(line["step"]);
    best = std::max(best, line["valid_accuracy"].get<double>());
  }
  EXPECT_THAT(steps, ElementsAre(15, 30, 45, 60));
  EXPECT_EQ(result.sets[0].metrics.front().value, best);
  // The model folder is complete, and says what its outputs mean.
  EXPECT_THAT(load_head_config(file("run/checkpoints/best")).labels, ElementsAre("bad", "good"));
  const auto loaded = load_classifier(file("run/checkpoints/best"));
  for (const Parameter& parameter : run.model().parameters().all()) {
    EXPECT_TRUE(at::equal(parameter.tensor, loaded->parameters().get(parameter.name)))
        << parameter.name;
  }
  const PredictionTable table =
      PredictionTable::read(predictions_path(file("run"), result.sets[1].name));
  ASSERT_EQ(table.rows.size(), 40u);
  int64_t right = 0;
  for (const auto& row : table.rows) right += row.label == row.prediction ? 1 : 0;
  EXPECT_DOUBLE_EQ(static_cast<double>(right) / 40.0, result.sets[1].metrics.front().value);
}

TEST_F(FinetuneRunTest, TwoHalvesAreTheWholeToTheBit) {
  FinetuneRun(config("whole")).run();
  // A schedule that does not know where the run ends.
  std::vector<std::string> settings{"training.schedule.type=constant",
                                    "training.schedule.warmup_share=null"};
  FinetuneRun(config("whole2", settings)).run();
  settings.push_back("training.max_steps=23");  // in the middle of an epoch and its windows
  FinetuneRun(config("halves", settings)).run();
  settings.pop_back();
  fs::remove(file("halves/result.json"));
  FinetuneRun rest(config("halves", settings));
  EXPECT_EQ(rest.state().step, 23);
  rest.run();
  EXPECT_TRUE(bits_of(file("halves"), 60) == bits_of(file("whole2"), 60));
  EXPECT_TRUE(bits_of(file("halves"), 60) != bits_of(file("whole"), 60));
}

TEST_F(FinetuneRunTest, ASignalSavesAndTheSameCommandGoesOn) {
  {
    FinetuneRun run(config("stopped"));
    set_stop_signal(SIGTERM);
    EXPECT_EQ(run.run(), StopReason::kSignal);
    EXPECT_FALSE(run.result());
    EXPECT_FALSE(fs::exists(file("stopped/result.json")));
  }
  set_stop_signal(0);
  FinetuneRun(config("stopped")).run();
  FinetuneRun(config("straight")).run();
  EXPECT_TRUE(bits_of(file("stopped"), 60) == bits_of(file("straight"), 60));
}

// RefusesWhatDoesNotFit has what is refused; here what is taken.
TEST_F(FinetuneRunTest, AFinishedRunKeepsTheSettingsThatItWasTrainedWith) {
  FinetuneRun(config("kept", {"training.max_steps=4"})).run();
  const std::string yaml = read_text_file(file("kept/config.yaml"));
  {  // the run folder is locked while it lives
    FinetuneRun again(config("kept", {"training.max_steps=4", "training.learning_rate=1e-3",
                                      "finetune.protocol=global", "finetune.layer_decay=0.5"}));
    EXPECT_EQ(again.run(), StopReason::kFinished);
    EXPECT_THAT(again.result()->setting, Contains(Pair("learning_rate", "0.01")));
    EXPECT_THAT(again.result()->setting, Not(Contains(Pair("layer_decay", _))));
    EXPECT_EQ(again.result()->protocol, "task");
    EXPECT_EQ(read_text_file(file("kept/config.yaml")), yaml);
  }
  // One that goes on has those of its last steps.
  FinetuneRun longer(config("kept", {"training.max_steps=6", "training.learning_rate=1e-3"}));
  EXPECT_EQ(longer.run(), StopReason::kFinished);
  EXPECT_THAT(longer.result()->setting, Contains(Pair("learning_rate", "0.001")));
  EXPECT_EQ(longer.result()->steps, 6);
}

TEST_F(FinetuneRunTest, OtherHeldOutRowsLetTheBestMove) {
  FinetuneRun(config("moved", {"training.max_steps=30", "finetune.evaluations_per_epoch=2"})).run();
  write_table("other.tsv", 9, 30);
  FinetuneRun again(config("moved", {"training.max_steps=30", "finetune.evaluations_per_epoch=2",
                                     "task.valid=[" + file("other.tsv") + "]"}));
  again.run();
  EXPECT_EQ(again.state().best_step, 30);
  EXPECT_EQ(again.result()->best_step, 30);
  EXPECT_EQ(again.result()->sets.front().rows, 30);
}

TEST_F(FinetuneRunTest, AWarmUpLongerThanTheRunIsRefused) {
  // 4 epochs of 240 rows, 16 a step: 60 steps.
  EXPECT_THAT(message_of<UsageError>([&] {
                FinetuneRun run(config("warm", {"training.schedule.warmup_steps=61",
                                                "training.schedule.warmup_share=null"}));
              }),
              HasSubstr("61 steps of warm-up exceed the run's 60 steps"));
  FinetuneRun run(
      config("warm", {"training.schedule.warmup_steps=60", "training.schedule.warmup_share=null"}));
}

TEST_F(FinetuneRunTest, Regression) {
  std::string text = "text\tscore\n";
  for (int i = 0; i < 64; ++i)
    text += std::string(i % 2 ? "river" : "stone") + "\t" + (i % 2 ? "4" : "1") + "\n";
  write_file_atomically(file("scores.tsv"), text);
  FinetuneRun run(config(
      "scores",
      {"task.label_column=score", "task.regression=true", "task.train=[" + file("scores.tsv") + "]",
       "task.valid=[" + file("scores.tsv") + "]", "task.test=[]", "finetune.epochs=20"}));
  run.run();
  const SetResult& set = run.result()->sets.front();
  EXPECT_EQ(set.metrics.front().name, "pearson");
  EXPECT_GT(set.metrics.front().value, 0.9);
  // The best is the first that ranks all right; the loss goes on falling below the variance, 2.25.
  double last = 0.0;
  for (const auto& line : log_of(file("scores"))) {
    if (line.contains("valid_loss")) last = line["valid_loss"];
  }
  EXPECT_LT(last, 1.0);
}

TEST_F(FinetuneRunTest, RefusesWhatDoesNotFit) {
  const auto message = [&](const std::vector<std::string>& settings) {
    return message_of<Error>([&] { FinetuneRun run(config("wrong", settings)); });
  };
  EXPECT_THAT(message({"task.label_column=feeling"}),
              AllOf(HasSubstr("train.tsv"), HasSubstr("feeling"), HasSubstr("mood")));
  EXPECT_THAT(message({"task.labels=[bad, fair]"}),
              AllOf(HasSubstr("train.tsv:"), HasSubstr("good"), HasSubstr("fair")));
  write_file_atomically(file("empty.tsv"), "");
  EXPECT_THAT(message({"task.train=[" + file("empty.tsv") + "]"}), HasSubstr("empty.tsv"));
  EXPECT_THAT(message({"input.max_length=400"}),
              AllOf(HasSubstr("input.max_length"), HasSubstr("24")));
  EXPECT_THAT(message({"finetune.reinit_layers=3"}), HasSubstr("3 of 2 layers"));
  EXPECT_THAT(message({"run.init_from=" + file("absent")}), HasSubstr("absent"));
  // A run folder goes on only as the run that it is.
  FinetuneRun(config("again", {"training.max_steps=1"})).run();
  EXPECT_THAT(message_of<UsageError>(
                  [&] { FinetuneRun run(config("again", {"task.labels=[bad, good, fair]"})); }),
              HasSubstr("other labels"));
  EXPECT_THAT(message_of<UsageError>([&] { FinetuneRun run(config("again", {"run.seed=5"})); }),
              HasSubstr("run.seed"));
  const auto again = [&](const std::vector<std::string>& settings) {
    std::vector<std::string> all{"training.max_steps=1"};
    all.insert(all.end(), settings.begin(), settings.end());
    return message_of<UsageError>([&] { FinetuneRun run(config("again", all)); });
  };
  EXPECT_EQ(again({}), "");
  EXPECT_THAT(again({"training.micro_batch_size=4"}),
              HasSubstr("training.micro_batch_size: 4, but the checkpoint was made with 8"));
  EXPECT_THAT(again({"finetune.weights=random"}), HasSubstr("finetune.weights: random"));
  EXPECT_THAT(again({"finetune.reinit_layers=1"}), HasSubstr("finetune.reinit_layers: 1"));
  EXPECT_THAT(again({"task.name=humour"}), HasSubstr("task.name: humour"));
  // Whatever leads to other rows.
  EXPECT_THAT(again({"task.max_train_rows=100"}), HasSubstr("task.train: other data"));
  EXPECT_THAT(again({"input.max_length=8"}), HasSubstr("task.train: other data"));
  EXPECT_THAT(again({"task.train=[" + file("dev.tsv") + "]"}), HasSubstr("task.train: other data"));
}

TEST(LayerLearningRate, FallsFromTheHeadToTheEmbeddings) {
  FinetuneSettings settings;
  settings.layer_decay = 0.5;
  settings.head_learning_rate = 3.0;
  const auto rate = [&](ParameterPlace place, ParameterKind kind = ParameterKind::kWeight) {
    return layer_learning_rate({"", {}, kind, place}, 2, settings);
  };
  EXPECT_DOUBLE_EQ(rate({ModelPart::kHead, {}}), 3.0);
  EXPECT_DOUBLE_EQ(rate({ModelPart::kEncoder, {}}, ParameterKind::kNorm), 1.0);
  EXPECT_DOUBLE_EQ(rate({ModelPart::kFeedForward, 1}), 0.5);
  EXPECT_DOUBLE_EQ(rate({ModelPart::kAttention, 0}, ParameterKind::kProjection), 0.25);
  EXPECT_DOUBLE_EQ(rate({ModelPart::kEncoder, {}}, ParameterKind::kProjection), 0.25);
  EXPECT_DOUBLE_EQ(rate({ModelPart::kEmbeddings, {}}, ParameterKind::kEmbedding), 0.125);
}

}  // namespace
}  // namespace linformer
