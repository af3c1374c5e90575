// Trainer tests that hold for every feature that changes what a step does (train/trainer).
#include <functional>

#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/train/trainer.h"

namespace linformer {
namespace {

/// Weights, moments and whatever else of a checkpoint goes on being trained, as bytes.
std::string bits_of(const std::string& run) {
  const std::string folder = run + "/checkpoints/latest/";
  return read_text_file(folder + "model.safetensors") +
         read_text_file(folder + "training/optimizer.safetensors");
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
  Trainer whole(config("whole"));
  whole.run();
  for (const int64_t half : {5, 6}) {
    PretrainConfig halves = config("half" + std::to_string(half));
    halves.training.max_steps = half;
    Trainer(halves).run();
    halves.training.max_steps = 12;
    Trainer resumed(halves);
    EXPECT_EQ(resumed.state().step, half);
    resumed.run();
    EXPECT_EQ(resumed.state().position, whole.state().position);
    EXPECT_EQ(bits_of(halves.run.dir), bits_of(whole.config().run.dir)) << "stopped at " << half;
  }
}

INSTANTIATE_TEST_SUITE_P(, TrainerFeatureTest,
                         ::testing::Values(Feature{"lamb",
                                                   [](PretrainConfig& config, const TinyRun&) {
                                                     config.training.optimizer.type =
                                                         OptimizerType::kLamb;
                                                   }}),
                         [](const auto& feature) { return feature.param.name; });

}  // namespace
}  // namespace linformer
