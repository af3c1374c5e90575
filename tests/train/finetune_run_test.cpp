#include "linformer/train/finetune_run.h"

#include <csignal>
#include <filesystem>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/checkpoint/find_model.h"
#include "linformer/checkpoint/model_config_json.h"
#include "linformer/config/config_file.h"
#include "linformer/core/error.h"
#include "linformer/core/random.h"
#include "linformer/core/stop_signal.h"
#include "linformer/train/classification_training.h"
#include "linformer/train/model_conversion.h"
#include "linformer/train/model_folder.h"
#include "linformer/train/pretraining_run.h"

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

/// A pre-trained tiny model, and tables whose label is whether a word occurs.
class FinetuneRunTest : public ::testing::Test {
 protected:
  /// Once for all tests, which only read it and use run folders of their own.
  static void SetUpTestSuite() {
    tiny_ = new TinyRun();
    PretrainConfig pretraining = tiny_->config("pretrained");
    pretraining.training.max_steps = 2;
    PretrainingRun(pretraining).run();
    write_table("train.tsv", 1, 240);
    write_table("dev.tsv", 2, 60);
    write_table("test.tsv", 3, 40);
  }
  static void TearDownTestSuite() {
    delete tiny_;
    tiny_ = nullptr;
  }

  static std::string file(const std::string& name) { return tiny_->file(name); }

  /// Rows "text<TAB>mood": the text of class "good" holds "river" and never "stone".
  static void write_table(const std::string& name, uint64_t seed, int64_t rows) {
    RandomStream random(RandomPurpose::kTest, {seed});
    const char* words[] = {"the", "old", "house", "and", "his", "many", "they"};
    std::string text = "text\tmood\n";
    for (int64_t i = 0; i < rows; ++i) {
      const bool good = random.below(2) == 0;
      const uint64_t count = 1 + random.below(6);
      const uint64_t place = random.below(count);
      for (uint64_t w = 0; w < count; ++w) {
        text += (w == place ? (good ? "river" : "stone") : words[random.below(7)]);
        text += w + 1 < count ? " " : "";
      }
      text += std::string("\t") + (good ? "good" : "bad") + "\n";
    }
    write_file_atomically(file(name), text);
  }

  FinetuneConfig config(const std::string& name, std::vector<std::string> more = {}) const {
    std::vector<std::string> settings{"run.dir=" + file(name),
                                      "run.init_from=" + file("pretrained"),
                                      "task.name=mood",
                                      "task.text_column=text",
                                      "task.label_column=mood",
                                      "task.train=[" + file("train.tsv") + "]",
                                      "task.valid=[" + file("dev.tsv") + "]",
                                      "task.test=[" + file("test.tsv") + "]",
                                      "training.learning_rate=1e-2",
                                      "training.global_batch_size=16",
                                      "training.micro_batch_size=8",
                                      "finetune.epochs=4",
                                      "checkpoint.every=10"};
    settings.insert(settings.end(), more.begin(), more.end());
    return load_finetune_config("", settings);
  }

  static TinyRun* tiny_;
};

TinyRun* FinetuneRunTest::tiny_ = nullptr;

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
  EXPECT_EQ(load_finetune_config(file("run/config.yaml"), {}), run.config());
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

/// Lines of the log with an evaluation.
std::vector<nlohmann::json> evaluations_of(const std::string& run) {
  std::vector<nlohmann::json> lines = log_of(run);
  std::erase_if(lines, [](const auto& line) { return !line.contains("valid_loss"); });
  return lines;
}

TEST_F(FinetuneRunTest, AveragedWeightsAreChosenMeasuredAndKept) {
  for (const std::string keep_best : {"true", "false"}) {
    const std::string name = "averaged-" + keep_best;
    FinetuneRun run(config(name, {"training.ema_decay=0.97", "checkpoint.keep_best=" + keep_best}));
    run.run();
    const SetResult& valid = run.result()->sets.front();
    // The evaluation that was chosen: the best, or the last where none is kept.
    const auto lines = evaluations_of(file(name));
    const auto step = keep_best == "true" ? run.result()->best_step : run.result()->steps;
    const auto chosen = std::find_if(lines.begin(), lines.end(),
                                     [&](const auto& line) { return line["step"] == step; });
    ASSERT_NE(chosen, lines.end());
    EXPECT_DOUBLE_EQ(valid.loss, (*chosen)["valid_loss"].get<double>());
    EXPECT_DOUBLE_EQ(valid.metrics.front().value, (*chosen)["valid_accuracy"].get<double>());
    // Whoever opens the checkpoint gets the classifier that was measured; the raw weights differ.
    const std::string folder =
        file(name) + "/checkpoints/" + (keep_best == "true" ? "best" : "latest");
    const auto loaded = load_classifier(folder);
    const auto raw = load_tensors(raw_weights_path(folder));
    int64_t differ = 0;
    for (const Parameter& parameter : run.model().parameters().all()) {
      EXPECT_TRUE(at::equal(parameter.tensor, loaded->parameters().get(parameter.name)))
          << parameter.name;
      differ += at::equal(parameter.tensor, raw.at(parameter.name)) ? 0 : 1;
    }
    EXPECT_GT(differ, 10);
    export_averaged_weights(folder, file(name + "-exported"));
    EXPECT_EQ(read_text_file(file(name + "-exported/model.safetensors")),
              read_text_file(folder + "/model.safetensors"));
    EXPECT_EQ(load_head_config(file(name + "-exported")).labels, load_head_config(folder).labels);
  }
}

TEST_F(FinetuneRunTest, AveragedOrNotTwoHalvesAreTheWholeToTheBit) {
  std::vector<std::string> settings{"training.schedule.type=constant", "finetune.epochs=2",
                                    "training.schedule.warmup_share=null",
                                    "training.ema_decay=0.97"};
  FinetuneRun(config("ema-whole", settings)).run();
  settings.push_back("training.max_steps=13");
  FinetuneRun(config("ema-halves", settings)).run();
  settings.pop_back();
  fs::remove(file("ema-halves/result.json"));
  FinetuneRun rest(config("ema-halves", settings));
  EXPECT_EQ(rest.state().step, 13);
  rest.run();
  const auto all_of = [&](const std::string& name) {
    return bits_of(file(name), 30) +
           read_text_file(raw_weights_path(file(name) + "/checkpoints/step-00000030"));
  };
  EXPECT_TRUE(all_of("ema-halves") == all_of("ema-whole"));
  // The average changes nothing in what is trained.
  settings.pop_back();
  FinetuneRun(config("no-ema", settings)).run();
  const auto plain = load_classifier(file("no-ema/checkpoints/step-00000030"));
  const auto raw = load_tensors(raw_weights_path(file("ema-whole/checkpoints/step-00000030")));
  for (const Parameter& parameter : plain->parameters().all()) {
    EXPECT_TRUE(at::equal(parameter.tensor, raw.at(parameter.name))) << parameter.name;
  }
  // Without the average a run goes on with the raw weights.
  settings.push_back("training.max_steps=31");
  FinetuneRun(config("no-ema", settings)).run();
  FinetuneRun(config("ema-whole", settings)).run();
  EXPECT_TRUE(bits_of(file("ema-whole"), 31) == bits_of(file("no-ema"), 31));
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

TEST_F(FinetuneRunTest, StartsFromTheEncoderAlone) {
  FinetuneRun run(config("start", {"training.learning_rate=1e-30", "training.max_steps=1",
                                   "finetune.reinit_layers=1"}));
  run.run();
  const auto source = load_model(file("pretrained/checkpoints/latest"));
  for (const Parameter& parameter : run.model().parameters().all()) {
    if (parameter.name.starts_with("classifier.")) continue;
    const at::Tensor& before = source->parameters().get(parameter.name);
    // Of the top layer the matrices are new; after two steps its biases and norms are not what they
    // began with either.
    const bool anew = parameter.name.starts_with("roberta.encoder.layer.1.");
    EXPECT_EQ(at::equal(parameter.tensor, before), !anew) << parameter.name;
  }
  FinetuneRun random(config("random", {"training.learning_rate=1e-30", "training.max_steps=1",
                                       "finetune.weights=random"}));
  random.run();
  const std::string words = "roberta.embeddings.word_embeddings.weight";
  EXPECT_FALSE(at::equal(random.model().parameters().get(words), source->parameters().get(words)));
  EXPECT_THAT(random.result()->model, HasSubstr("random weights"));
}

TEST_F(FinetuneRunTest, MeanPoolingIsLearnedKeptAndNotChangedOnTheWay) {
  FinetuneRun(config("mean", {"finetune.pooling=mean"})).run();
  const std::string folder = file("mean/checkpoints/best");
  EXPECT_EQ(load_head_config(folder).pooling, ClassifierPooling::kMean);
  EXPECT_EQ(load_classifier(folder)->head_config().pooling, ClassifierPooling::kMean);
  const TaskResult result =
      task_result_from_json(read_text_file(file("mean/result.json")), "result");
  EXPECT_GT(result.sets[1].metrics.front().value, 0.95);
  EXPECT_THAT(message_of<UsageError>([&] { FinetuneRun again(config("mean")); }),
              HasSubstr("finetune.pooling: is another than in the checkpoint"));
}

TEST_F(FinetuneRunTest, SegmentsAreAddedAndLeaveSingleTextsAsTheyWere) {
  FinetuneRun run(config("segments", {"training.learning_rate=1e-30", "training.max_steps=1",
                                      "finetune.segment_embeddings=true"}));
  run.run();
  const auto source = load_model(file("pretrained/checkpoints/latest"));
  ASSERT_EQ(source->config().type_vocab_size, 0);
  EXPECT_EQ(run.model().config().type_vocab_size, 2);
  const at::Tensor segments =
      run.model().parameters().get("roberta.embeddings.token_type_embeddings.weight").detach();
  EXPECT_LT(segments[0].abs().max().item<double>(), 1e-12);
  EXPECT_GT(segments[1].abs().max().item<double>(), 1e-3);
  const std::string words = "roberta.embeddings.word_embeddings.weight";
  EXPECT_TRUE(at::equal(run.model().parameters().get(words), source->parameters().get(words)));
  // A model that has them keeps them, also where they are asked for again.
  FinetuneConfig next = config("next", {"training.learning_rate=1e-30", "training.max_steps=1",
                                        "finetune.segment_embeddings=true"});
  next.run.init_from = file("segments/checkpoints/best");
  FinetuneRun second(next);
  second.run();
  const at::Tensor again =
      second.model().parameters().get("roberta.embeddings.token_type_embeddings.weight");
  EXPECT_LT((again - segments).abs().max().item<double>(), 1e-12);
  const auto& setting = second.result()->setting;
  EXPECT_THAT(setting, Contains(Pair("steps", "1")));
  EXPECT_THAT(setting, Not(Contains(Pair("epochs", _))));
  EXPECT_THAT(setting, Contains(Pair("segment_embeddings", "true")));
}

TEST_F(FinetuneRunTest, AFineTunedModelIsAStartAsWell) {
  FinetuneRun(config("first")).run();
  FinetuneConfig next = config("after");
  next.run.init_from = file("first/checkpoints/best");
  next.task.labels = {"bad", "good", "neither"};
  FinetuneRun run(next);
  EXPECT_EQ(run.run(), StopReason::kFinished);
  EXPECT_EQ(run.model().head_config().num_outputs(), 3);
  EXPECT_EQ(run.result()->model, file("pretrained"));
  EXPECT_THAT(run.result()->setting, Contains(Pair("from", "mood")));
  // Of a run folder the best evaluation counts, of a pre-training run the last step.
  EXPECT_EQ(StartingModel::open(file("first"), {}).folder,
            fs::canonical(file("first/checkpoints/best")).string());
  EXPECT_EQ(StartingModel::open(file("pretrained"), {}).folder,
            find_model_folder(file("pretrained")));
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
  const auto rate = [&](const std::string& name) { return layer_learning_rate(name, 2, settings); };
  EXPECT_DOUBLE_EQ(rate("classifier.dense.weight"), 3.0);
  EXPECT_DOUBLE_EQ(rate("roberta.encoder.LayerNorm.weight"), 1.0);
  EXPECT_DOUBLE_EQ(rate("roberta.encoder.layer.1.output.dense.weight"), 0.5);
  EXPECT_DOUBLE_EQ(rate("roberta.encoder.layer.0.attention.self.E"), 0.25);
  EXPECT_DOUBLE_EQ(rate("roberta.encoder.E"), 0.25);
  EXPECT_DOUBLE_EQ(rate("roberta.embeddings.word_embeddings.weight"), 0.125);
}

}  // namespace
}  // namespace linformer
