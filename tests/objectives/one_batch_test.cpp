#include "linformer/objectives/one_batch.h"

#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "train/tiny_run.h"

#include "linformer/core/error.h"
#include "linformer/objectives/pretraining_run.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(OneBatch, TheLossFallsTowardsZeroAndNothingIsSaved) {
  const TinyRun tiny;
  PretrainConfig config = tiny.config("run");
  config.training.overfit_one_batch = true;
  config.training.max_steps = 120;
  config.training.schedule.type = ScheduleType::kConstant;
  config.model.norm_position = NormPosition::kPre;
  config.model.hidden_size = 32;
  config.model.initializer_range = std::nullopt;
  PretrainingRun trainer(config);
  trainer.run();
  EXPECT_EQ(trainer.config().model.hidden_dropout_prob, 0.0);
  std::vector<double> losses;
  std::istringstream lines(read_text_file(config.run.dir + "/log.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    losses.push_back(nlohmann::json::parse(line).at("loss").get<double>());
  }
  ASSERT_EQ(losses.size(), 120u);
  EXPECT_GT(losses.front(), 5.0);  // near ln 1000 = 6.9
  EXPECT_LT(losses.back(), 0.05);
  EXPECT_FALSE(fs::exists(config.run.dir + "/checkpoints/latest"));
  EXPECT_FALSE(trainer.last_evaluation());
}

TEST(OneBatch, NeverMeetsTheCheckpointsOfARealRun) {
  const TinyRun tiny;
  PretrainConfig config = tiny.config("run");
  config.training.max_steps = 1;
  PretrainingRun(config).run();
  config.training.overfit_one_batch = true;
  EXPECT_THAT(message_of<UsageError>([&] { PretrainingRun trainer(config); }),
              HasSubstr("training.overfit_one_batch"));
}

TEST(OneBatch, LeavesOtherConfigurationsAlone) {
  const TinyRun tiny;
  const PretrainConfig config = tiny.config("run");
  EXPECT_EQ(one_batch_config(config), config);
}

}  // namespace
}  // namespace linformer
