// Fine-tuning with what changes the model: averaged weights, poolings, segments, other starts.
#include "linformer/objectives/classification_objective.h"

#include <algorithm>
#include <filesystem>

#include <ATen/ATen.h>

#include "objectives/finetune_fixture.h"

#include "linformer/checkpoint/find_model.h"
#include "linformer/checkpoint/model_config_json.h"
#include "linformer/core/error.h"
#include "linformer/models/model_conversion.h"
#include "linformer/models/model_folder.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::_;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

class FinetuneFeatureTest : public FinetuneRunTest {};

/// Lines of the log with an evaluation.
std::vector<nlohmann::json> evaluations_of(const std::string& run) {
  std::vector<nlohmann::json> lines = log_of(run);
  std::erase_if(lines, [](const auto& line) { return !line.contains("valid_loss"); });
  return lines;
}

TEST_F(FinetuneFeatureTest, AveragedWeightsAreChosenMeasuredAndKept) {
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

TEST_F(FinetuneFeatureTest, AveragedOrNotTwoHalvesAreTheWholeToTheBit) {
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

TEST_F(FinetuneFeatureTest, StartsFromTheEncoderAlone) {
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

TEST_F(FinetuneFeatureTest, MeanPoolingIsLearnedKeptAndNotChangedOnTheWay) {
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

TEST_F(FinetuneFeatureTest, SegmentsAreAddedAndLeaveSingleTextsAsTheyWere) {
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

TEST_F(FinetuneFeatureTest, AFineTunedModelIsAStartAsWell) {
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
  // The library takes a run folder as well.
  EXPECT_TRUE(at::equal(
      load_model(file("pretrained"))->encoder().embeddings().word_weight(),
      load_model(find_model_folder(file("pretrained")))->encoder().embeddings().word_weight()));
  EXPECT_EQ(StartingModel::open(file("pretrained"), {}).folder,
            find_model_folder(file("pretrained")));
}

}  // namespace
}  // namespace linformer
