#include "linformer/experiments/needed_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

using ::testing::ElementsAre;

PlannedRun run(const std::string& settings, const std::string& command = "") {
  PlannedRun result;
  result.settings = settings;
  if (!command.empty()) result.commands.push_back({"linformer-eval", command});
  return result;
}

std::vector<std::string> made(const std::vector<PrepareStep>& steps) {
  std::vector<std::string> names;
  for (const PrepareStep& step : steps) names.push_back(step.creates);
  return names;
}

ExperimentPlan plan_of(std::vector<PlannedRun> runs) {
  ExperimentPlan plan;
  plan.runs = std::move(runs);
  plan.scale.prepare = {
      {"data/t.model", {"linformer-data", "tokenizer"}},
      {"data/text.txt", {"sh", "-c", "make data/text.txt"}},
      {"data/train-00000.shard", {"linformer-data", "prepare", "--tokenizer", "data/t.model"}},
      {"data/other-00000.shard", {"linformer-data", "prepare", "--input", "data/text.txt"}},
      {"data/glue", {"ln", "-s", "glue"}},
      {"data/unknown", {"touch", "data/unknown"}}};
  return plan;
}

TEST(NeededData, IsWhatTheRunsNameAndWhatThatTakes) {
  const ExperimentPlan whole =
      plan_of({run("data.train: [data/train]"), run("task.data: data/glue/sst-2"),
               run("", "--data data/other")});
  // Nobody names data/unknown, so it is always made.
  EXPECT_THAT(made(needed_steps(whole, {0}, whole)),
              ElementsAre("data/t.model", "data/train-00000.shard", "data/unknown"));
  EXPECT_THAT(made(needed_steps(whole, {1}, whole)), ElementsAre("data/glue", "data/unknown"));
  EXPECT_THAT(made(needed_steps(whole, {2}, whole)),
              ElementsAre("data/text.txt", "data/other-00000.shard", "data/unknown"));
  EXPECT_EQ(needed_steps(whole, {0, 1, 2}, whole).size(), 6u);
}

TEST(NeededData, OfAReportWithoutRunsIsWhatNobodyNames) {
  const ExperimentPlan whole = plan_of({run("data.train: [data/train]")});
  EXPECT_THAT(made(needed_steps(whole, {}, whole)),
              ElementsAre("data/text.txt", "data/other-00000.shard", "data/glue", "data/unknown"));
}

}  // namespace
}  // namespace linformer
