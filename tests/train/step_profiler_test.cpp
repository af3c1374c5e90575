#include "linformer/train/step_profiler.h"

#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "train/tiny_run.h"

#include "linformer/objectives/pretraining_run.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

TEST(StepProfiler, WritesTheStepsAskedForAsAChromeTrace) {
  const TinyRun tiny;
  PretrainConfig config = tiny.config("run");
  config.training.max_steps = 4;
  config.evaluation.every = 0;
  config.logging.profile = {/*first_step=*/2, /*steps=*/2};
  PretrainingRun(config).run();
  const std::string path = config.run.dir + "/trace-00000002-00000003.json";
  ASSERT_TRUE(fs::exists(path));
  const auto trace = nlohmann::json::parse(read_text_file(path));
  std::map<std::string, int> count;
  for (const auto& event : trace.at("traceEvents")) {
    if (event.value("ph", "") != "X") continue;  // a span with a beginning and a duration
    EXPECT_GE(event.at("dur").get<double>(), 0.0);
    EXPECT_TRUE(event.at("ts").is_number());
    ++count[event.at("name").get<std::string>()];
  }
  // Two steps of two micro-batches: the matrix multiplications of both directions, the embedding,
  // and one update per group of parameters (weights, biases and norms, projections) and step.
  EXPECT_GE(count["aten::mm"], 2 * 2 * 2 * 6);
  EXPECT_GT(count["aten::index_select"] + count["aten::embedding"], 0);
  EXPECT_EQ(count["aten::_fused_adamw_"], 2 * 3);
  for (const auto& entry : fs::directory_iterator(config.run.dir)) {
    EXPECT_NE(entry.path().extension(), ".tmp");
  }
}

TEST(StepProfiler, ChangesNoBitAndIsOffByDefault) {
  const TinyRun tiny;
  PretrainConfig plain = tiny.config("plain");
  plain.training.max_steps = 3;
  PretrainConfig profiled = tiny.config("profiled");
  profiled.training.max_steps = 3;
  profiled.logging.profile = {1, 100};  // more than the run has: written at its end
  PretrainingRun(plain).run();
  PretrainingRun(profiled).run();
  const std::string weights = "/checkpoints/latest/model.safetensors";
  EXPECT_EQ(read_text_file(plain.run.dir + weights), read_text_file(profiled.run.dir + weights));
  EXPECT_TRUE(fs::exists(profiled.run.dir + "/trace-00000001-00000003.json"));
  for (const auto& entry : fs::directory_iterator(plain.run.dir)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("trace-"));
  }
}

}  // namespace
}  // namespace linformer
