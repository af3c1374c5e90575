#include "linformer/train/step_precision.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "kernels/reference_path.h"
#include "train/tiny_run.h"

#include "linformer/core/error.h"
#include "linformer/objectives/pretraining_run.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

std::string bits_of(const std::string& run) {
  const std::string folder = run + "/checkpoints/latest/";
  return read_text_file(folder + "model.safetensors") +
         read_text_file(folder + "training/optimizer.safetensors");
}

std::vector<nlohmann::json> log_of(const std::string& run) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(read_text_file(run + "/log.jsonl"));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

nlohmann::json loss_scale_of(const std::string& run) {
  return nlohmann::json::parse(read_text_file(run + "/checkpoints/latest/training/state.json"))
      .at("loss_scale");
}

class StepPrecisionTest : public ::testing::Test {
 protected:
  PretrainConfig config(const std::string& name, Precision precision) const {
    PretrainConfig config = tiny_.config(name);
    config.training.precision = precision;
    config.training.schedule.type = ScheduleType::kConstant;
    return config;
  }

  /// A task that is learned in a hundred steps: every document repeats one word.
  PretrainConfig repeats(const std::string& name, Precision precision) const {
    const Tokenizer& words = unigram_tokenizer();
    Documents documents;
    for (int32_t i = 0; i < 60; ++i) {
      documents.push_back({std::vector<int32_t>(22, 10 + i % 20)});
    }
    write_shards(tiny_.file(name + "-data"), documents, 1, {words.vocab_size(), words.hash(), 0});
    PretrainConfig config = this->config(name, precision);
    config.data.train = {tiny_.file(name + "-data")};
    config.data.valid = {};
    config.model.norm_position = NormPosition::kPre;
    config.model.initializer_range = std::nullopt;
    config.model.attention.init = ProjectionInit::kBlockAverage;
    config.training.max_steps = 200;
    config.training.learning_rate = 3e-3;
    config.evaluation.every = 0;
    config.checkpoint.every = 0;
    return config;
  }

  TinyRun tiny_;
};

TEST_F(StepPrecisionTest, LossesStayInABandAroundFp32) {
  std::map<Precision, std::vector<double>> losses;
  for (const auto precision : {Precision::kFp32, Precision::kBf16, Precision::kFp16}) {
    PretrainConfig config =
        repeats("band" + std::to_string(static_cast<int>(precision)), precision);
    config.training.loss_scale.initial = 256.0;  // no step is skipped
    PretrainingRun trainer(config);
    trainer.run();
    for (const auto& line : log_of(config.run.dir)) {
      losses[precision].push_back(line.at("loss").get<double>());
    }
    ASSERT_EQ(losses[precision].size(), 200u);
    EXPECT_EQ(trainer.state().loss_scale.num_skipped, 0);
  }
  const std::vector<double>& full = losses[Precision::kFp32];
  // It has to learn, or every line would be in the band: from ln(words) = 7 to below 2 nats.
  EXPECT_GT(full.front(), 6.0);
  EXPECT_LT(full.back(), 2.0);
  // Bands: 8 and 11 bits of mantissa; the largest difference of a step, and of means of 20 steps.
  for (const auto& [precision, step_band, mean_band] :
       {std::tuple{Precision::kBf16, 0.03, 0.004}, std::tuple{Precision::kFp16, 0.004, 0.001}}) {
    double largest = 0.0;
    double sum = 0.0;
    double largest_mean = 0.0;
    for (size_t i = 0; i < full.size(); ++i) {
      const double difference = losses[precision][i] - full[i];
      largest = std::max(largest, std::abs(difference));
      sum += difference;
      if (i % 20 != 19) continue;
      largest_mean = std::max(largest_mean, std::abs(sum) / 20.0);
      sum = 0.0;
    }
    EXPECT_GT(largest, 0.0);  // it is another arithmetic
    EXPECT_LT(largest, step_band);
    EXPECT_LT(largest_mean, mean_band);
    RecordProperty("largest_" + std::to_string(static_cast<int>(precision)),
                   std::to_string(largest) + " " + std::to_string(largest_mean));
  }
}

TEST_F(StepPrecisionTest, AnOverflowSkipsTheUpdateAndHalvesTheScale) {
  PretrainConfig start = config("start", Precision::kFp16);
  const Model fresh = [&] {
    PretrainingRun trainer(start);
    return trainer.model();
  }();
  PretrainConfig config = this->config("overflow", Precision::kFp16);
  config.training.loss_scale.initial = 1 << 30;  // 2^30 times a gradient is far beyond fp16's 65504
  config.training.max_steps = 2;
  PretrainingRun trainer(config);
  trainer.run();
  EXPECT_EQ(trainer.state().loss_scale, (LossScaleState{1 << 28, 0, 2}));
  EXPECT_EQ(trainer.state().step, 2);
  EXPECT_EQ(trainer.state().position, 16);
  for (const Parameter& parameter : trainer.model().parameters().all()) {
    EXPECT_TRUE(at::equal(parameter.tensor, fresh.parameters().get(parameter.name)))
        << parameter.name;
  }
  const auto lines = log_of(config.run.dir);
  EXPECT_TRUE(lines[0].at("grad_norm").is_null());
  EXPECT_EQ(lines[0].at("loss_scale"), 1 << 29);
  EXPECT_EQ(lines[1].at("skipped_updates"), 2);
  EXPECT_EQ(loss_scale_of(config.run.dir).at("num_skipped"), 2);
}

TEST_F(StepPrecisionTest, ResumesToTheBitAcrossOverflowsAndGrowth) {
  // Starts too high (overflows), and grows every third step (overflows again later).
  PretrainConfig whole = config("whole", Precision::kFp16);
  whole.training.loss_scale.initial = 1 << 22;
  whole.training.loss_scale.growth_interval = 2;
  PretrainingRun trainer(whole);
  trainer.run();
  const LossScaleState end = trainer.state().loss_scale;
  EXPECT_GT(end.num_skipped, 2);
  EXPECT_LT(end.num_skipped, 11);  // some updates were made
  for (const int64_t half : {2, 5, 9}) {
    PretrainConfig config = whole;
    config.run.dir = tiny_.file("half" + std::to_string(half));
    config.training.max_steps = half;
    PretrainingRun(config).run();
    config.training.max_steps = 12;
    PretrainingRun resumed(config);
    resumed.run();
    EXPECT_EQ(resumed.state().loss_scale, end) << half;
    EXPECT_EQ(bits_of(config.run.dir), bits_of(whole.run.dir)) << half;
  }
}

TEST_F(StepPrecisionTest, AnOverflowAtTheMinimumIsTheRunsOwn) {
  PretrainConfig config = this->config("minimum", Precision::kFp16);
  config.training.loss_scale.initial = 1 << 30;
  config.training.loss_scale.minimum = 1 << 30;
  PretrainingRun trainer(config);
  try {
    trainer.run();
    FAIL() << "a gradient that is not finite was taken";
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), HasSubstr("gradient norm is not finite"));
  }
  EXPECT_EQ(AutocastScope::current().precision(), Precision::kFp32);
}

TEST_F(StepPrecisionTest, EvaluationsAreInTheSamePrecision) {
  for (const auto precision : {Precision::kBf16, Precision::kFp16}) {
    PretrainConfig config =
        this->config("evaluated" + std::to_string(static_cast<int>(precision)), precision);
    PretrainingRun trainer(config);
    trainer.run();
    const PretrainingData data = [&] {
      PretrainConfig same = trainer.config();
      return open_pretraining_data(same);
    }();
    const EvaluationOptions options{static_cast<uint64_t>(config.evaluation.mask_seed),
                                    config.evaluation_batch_size(), 0};
    const auto evaluate = [&](Precision own) {
      const AutocastScope scope{MixedPrecision(own)};
      return evaluate_dataset(trainer.model(), data.valid->batches(), options, nullptr)
          .model.mean();
    };
    ASSERT_TRUE(trainer.last_evaluation());
    const double logged = trainer.last_evaluation()->model.mean();
    EXPECT_EQ(logged, evaluate(precision));
    EXPECT_NE(logged, evaluate(Precision::kFp32));
    EXPECT_NEAR(logged, evaluate(Precision::kFp32), 0.02);
  }
}

/// Losses of a run's steps.
std::vector<double> losses_of(const PretrainConfig& config) {
  PretrainingRun(config).run();
  std::vector<double> losses;
  for (const auto& line : log_of(config.run.dir)) {
    if (line.contains("loss")) losses.push_back(line.at("loss").get<double>());
  }
  return losses;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], tolerance) << "step " << i + 1;
}

// A whole run, dropout included, through the operations that other devices compute with.
TEST_F(StepPrecisionTest, TheReferencePathTrainsAsTheFusedKernelsDo) {
  for (const auto& [precision, tolerance] :
       {std::pair{Precision::kFp32, 2e-3}, std::pair{Precision::kBf16, 0.05}}) {
    const std::string name = std::to_string(static_cast<int>(precision));
    PretrainConfig config = this->config("fused" + name, precision);
    config.training.learning_rate = 1e-3;
    config.model.attention.value_convolution = 3;
    const std::vector<double> fused = losses_of(config);
    config.run.dir = tiny_.file("composed" + name);
    const ReferencePath path;
    const std::vector<double> composed = losses_of(config);
    expect_near(composed, fused, tolerance);
  }
}

TEST_F(StepPrecisionTest, CudaTrainsAsTheCpuDoes) {
  if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "this machine has no CUDA device";
  PretrainConfig config = this->config("cpu", Precision::kFp32);
  config.training.learning_rate = 1e-3;
  config.run.device = DeviceChoice::kCpu;
  const std::vector<double> cpu = losses_of(config);
  config.run.device = DeviceChoice::kCuda;
  config.run.dir = tiny_.file("cuda");
  expect_near(losses_of(config), cpu, 5e-3);
  for (const auto precision : {Precision::kBf16, Precision::kFp16}) {
    config.training.precision = precision;
    config.training.loss_scale.initial = 256.0;
    config.run.dir = tiny_.file("cuda" + std::to_string(static_cast<int>(precision)));
    expect_near(losses_of(config), cpu, 0.05);
  }
}

TEST_F(StepPrecisionTest, Fp32LogsNoScale) {
  const PretrainConfig config = this->config("plain", Precision::kFp32);
  PretrainingRun(config).run();
  EXPECT_FALSE(log_of(config.run.dir).front().contains("loss_scale"));
}

TEST_F(StepPrecisionTest, RefusesScalesThatCannotWork) {
  const auto refused = [&](auto&& change) {
    PretrainConfig config = this->config("refused", Precision::kFp16);
    config.model.vocab_size = 100;
    change(config.training.loss_scale);
    try {
      config.validate();
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refused([](auto& scale) { scale.minimum = 0.0; }), HasSubstr("loss_scale.minimum"));
  EXPECT_THAT(refused([](auto& scale) { scale.initial = 0.5; }), HasSubstr("loss_scale.initial"));
  EXPECT_THAT(refused([](auto& scale) { scale.growth_factor = 0.5; }),
              HasSubstr("loss_scale.growth_factor"));
  EXPECT_THAT(refused([](auto& scale) { scale.backoff_factor = 1.0; }),
              HasSubstr("loss_scale.backoff_factor"));
  EXPECT_THAT(refused([](auto& scale) { scale.growth_interval = 0; }),
              HasSubstr("loss_scale.growth_interval"));
  EXPECT_EQ(refused([](auto&) {}), "");
}

}  // namespace
}  // namespace linformer
