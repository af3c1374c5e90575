// Trainer tests that hold for every feature that changes a step (train/trainer).
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/core/error.h"
#include "linformer/models/model_conversion.h"
#include "linformer/models/model_folder.h"
#include "linformer/objectives/pretraining_run.h"

namespace linformer {
namespace {

/// Weights, moments and whatever else of a checkpoint goes on being trained, as bytes.
std::string bits_of(const std::string& run) {
  const std::string folder = run + "/checkpoints/latest/";
  const std::string average = weight_average_path(folder);
  return read_text_file(folder + "model.safetensors") +
         read_text_file(folder + "training/optimizer.safetensors") +
         (std::filesystem::exists(average) ? read_text_file(average) : "");
}

struct Feature {
  std::string name;
  std::function<void(PretrainConfig&, const TinyRun&)> turn_on;
};

class TrainerFeatureTest : public ::testing::TestWithParam<Feature> {
 protected:
  /// Twelve steps with the feature on; the schedule does not depend on max_steps.
  PretrainConfig config(const std::string& name) const {
    PretrainConfig config = tiny_.config(name);
    config.training.schedule.type = ScheduleType::kConstant;
    GetParam().turn_on(config, tiny_);
    return config;
  }

  TinyRun tiny_;
};

TEST_P(TrainerFeatureTest, TwoHalvesAreTheWholeToTheBit) {
  PretrainingRun whole(config("whole"));
  whole.run();
  for (const int64_t half : {5}) {
    PretrainConfig halves = config("half" + std::to_string(half));
    halves.training.max_steps = half;
    PretrainingRun(halves).run();
    halves.training.max_steps = 12;
    PretrainingRun resumed(halves);
    EXPECT_EQ(resumed.state().step, half);
    resumed.run();
    EXPECT_EQ(resumed.state().position, whole.state().position);
    EXPECT_EQ(bits_of(halves.run.dir), bits_of(whole.config().run.dir)) << "stopped at " << half;
  }
}

INSTANTIATE_TEST_SUITE_P(
    , TrainerFeatureTest,
    ::testing::Values(
        Feature{"statistics", [](PretrainConfig& config,
                                 const TinyRun&) { config.logging.statistics_every = 2; }},
        Feature{"batch_ramp",
                [](PretrainConfig& config, const TinyRun&) {
                  config.training.global_batch_size = 16;
                  config.training.batch_ramp = {4, 8};
                }},
        Feature{"masking_rate",
                [](PretrainConfig& config, const TinyRun&) {
                  config.data.final_mlm_probability = 0.4;
                  config.data.mlm_probability_steps = 8;
                }},
        Feature{"whole_words", [](PretrainConfig& config,
                                  const TinyRun&) { config.data.masking = Masking::kWholeWord; }},
        Feature{"corpora",
                [](PretrainConfig& config, const TinyRun& tiny) {
                  config.data.train = {tiny.file("train"), tiny.file("valid")};
                  config.data.train_weights = {0.6, 0.4};
                }},
        Feature{"ema",
                [](PretrainConfig& config, const TinyRun&) { config.training.ema_decay = 0.5; }},
        Feature{"step_graph",
                [](PretrainConfig& config, const TinyRun&) {
                  config.training.step_graph = StepGraphUse::kOn;
                }},
        Feature{"step_graph_ema_recomputed",
                [](PretrainConfig& config, const TinyRun&) {
                  config.training.step_graph = StepGraphUse::kOn;
                  config.training.ema_decay = 0.5;
                  config.training.activation_checkpointing = true;
                }},
        Feature{"lamb",
                [](PretrainConfig& config, const TinyRun&) {
                  config.training.optimizer.type = OptimizerType::kLamb;
                }}),
    [](const auto& feature) { return feature.param.name; });

TEST(TrainerEventFile, EachSessionHasOne) {
  const TinyRun tiny;
  PretrainConfig config = tiny.config("run");
  std::vector<size_t> files;
  for (const int64_t steps : {4, 8}) {
    config.training.max_steps = steps;
    PretrainingRun(config).run();
    std::string content;
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(config.run.dir)) {
      if (!entry.path().filename().string().starts_with("events.out.tfevents.")) continue;
      content += read_text_file(entry.path().string());
      ++count;
    }
    files.push_back(count);
    for (const char* text : {"train/loss", "valid/perplexity", "    run:\n"}) {
      EXPECT_NE(content.find(text), std::string::npos) << text;
    }
  }
  EXPECT_EQ(files, (std::vector<size_t>{1, 2}));
}

// Looking at a model changes nothing in it, whatever copies of its weights are kept for speed.
struct Looking {
  Precision precision;
  bool averaged;
  bool recomputed;
};

class TrainerEvaluationTest : public ::testing::TestWithParam<Looking> {
 protected:
  PretrainConfig config(const std::string& name, int64_t evaluate_every) const {
    PretrainConfig config = tiny_.config(name);
    config.training.max_steps = 8;
    config.training.schedule.type = ScheduleType::kConstant;
    config.training.precision = GetParam().precision;
    config.training.loss_scale.initial = 256.0;
    config.training.activation_checkpointing = GetParam().recomputed;
    if (GetParam().averaged) config.training.ema_decay = 0.99;
    config.evaluation.every = evaluate_every;
    config.checkpoint.every = 3;
    config.checkpoint.keep_last = 10;
    return config;
  }

  TinyRun tiny_;
};

TEST_P(TrainerEvaluationTest, LeavesTheWeightsAsTheyWouldBeWithoutItAndAfterAKill) {
  const PretrainConfig plain = config("plain", 0);
  PretrainingRun(plain).run();
  const std::string expected = bits_of(plain.run.dir);
  const PretrainConfig looked = config("looked", 1);
  PretrainingRun(looked).run();
  EXPECT_TRUE(bits_of(looked.run.dir) == expected);
  // What a kill leaves: the checkpoints up to then.
  for (int64_t step = 4; step <= 8; ++step) {
    std::filesystem::remove_all(looked.run.dir + "/checkpoints/step-0000000" +
                                std::to_string(step));
  }
  PretrainingRun rest(looked);
  ASSERT_EQ(rest.state().step, 3);
  rest.run();
  EXPECT_TRUE(bits_of(looked.run.dir) == expected) << "killed and resumed";
}

std::vector<Looking> every_way_of_looking() {
  std::vector<Looking> all;
  for (const auto precision : {Precision::kFp32, Precision::kBf16, Precision::kFp16}) {
    for (const bool averaged : {false, true}) {
      for (const bool recomputed : {false, true}) {
        all.push_back({precision, averaged, recomputed});
      }
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(, TrainerEvaluationTest, ::testing::ValuesIn(every_way_of_looking()),
                         [](const auto& looking) {
                           const Looking& way = looking.param;
                           return std::string(name_of(way.precision)) +
                                  (way.averaged ? "_averaged" : "") +
                                  (way.recomputed ? "_recomputed" : "");
                         });

class TrainerEmaTest : public ::testing::Test {
 protected:
  TinyRun tiny_;
};

TEST_F(TrainerEmaTest, EvaluationsUseTheAverageAndTrainingDoesNot) {
  PretrainConfig plain = tiny_.config("plain");
  PretrainingRun raw(plain);
  raw.run();
  PretrainConfig config = tiny_.config("ema");
  config.training.ema_decay = 0.9;
  PretrainingRun averaged(config);
  averaged.run();
  const std::string checkpoint = config.run.dir + "/checkpoints/latest";
  EXPECT_EQ(read_text_file(checkpoint + "/model.safetensors"),
            read_text_file(plain.run.dir + "/checkpoints/latest/model.safetensors"));
  // A model folder of the averaged weights gives the perplexity that the run reported.
  const std::string exported = tiny_.file("exported");
  export_averaged_weights(checkpoint, exported);
  const auto model = load_model(exported);
  const auto by_hand = load_model(checkpoint);
  load_averaged_weights(checkpoint, by_hand->parameters());
  PretrainConfig data_config = config;
  const PretrainingData data = open_pretraining_data(data_config);
  const auto perplexity = [&](const Model& any) {
    return evaluate_dataset(any, data.valid->batches(), {7, 4, 0}, nullptr).model.perplexity();
  };
  EXPECT_DOUBLE_EQ(perplexity(*model), averaged.last_evaluation()->model.perplexity());
  EXPECT_DOUBLE_EQ(perplexity(*by_hand), averaged.last_evaluation()->model.perplexity());
  EXPECT_DOUBLE_EQ(perplexity(averaged.model()), raw.last_evaluation()->model.perplexity());
  EXPECT_NE(raw.last_evaluation()->model.perplexity(),
            averaged.last_evaluation()->model.perplexity());
  EXPECT_THROW(export_averaged_weights(plain.run.dir + "/checkpoints/latest", tiny_.file("none")),
               RunError);
}

TEST_F(TrainerEmaTest, MayBeTurnedOnAndOffBetweenSessions) {
  PretrainConfig config = tiny_.config("run");
  config.training.max_steps = 2;
  PretrainingRun(config).run();
  config.training.max_steps = 4;
  config.training.ema_decay = 0.9;
  PretrainingRun(config).run();
  const std::string path = weight_average_path(config.run.dir + "/checkpoints/latest");
  EXPECT_TRUE(std::filesystem::exists(path));
  config.training.max_steps = 6;
  config.training.ema_decay.reset();
  PretrainingRun(config).run();
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace linformer
