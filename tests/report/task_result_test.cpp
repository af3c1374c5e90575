#include "linformer/report/task_result.h"

#include <cmath>
#include <limits>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

TEST(TaskResult, SurvivesJson) {
  TaskResult result;
  result.task = "mrpc";
  result.model = "runs/\"a\"";
  result.seed = 3;
  result.protocol = "task";
  result.setting = {{"learning_rate", "1e-05"}, {"batch", "16"}};
  result.train_rows = 3668;
  result.steps = 2300;
  result.best_step = 460;
  result.seconds = 12.5;
  result.sets = {{"dev", "mrpc", 408, true, {{"accuracy", 0.75}, {"f1", 1.0 / 3.0}}, 0.5, 0.68}};
  EXPECT_EQ(task_result_from_json(to_json(result), "r"), result);
  // JSON has no NaN; what is undefined comes back undefined.
  result.sets[0].majority = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(task_result_from_json(to_json(result), "r").sets[0].majority));
}

TEST(TaskResult, ABrokenFileIsNamed) {
  const std::string message =
      message_of<RunError>([] { task_result_from_json("{\"task\": 3", "runs/x/result.json"); });
  EXPECT_THAT(message, ::testing::HasSubstr("runs/x/result.json"));
}

TEST(TaskResult, WhatIsNoWholeNumberIsRefusedByName) {
  TaskResult result;
  result.seed = 1234567;
  result.fold = 7654321;
  result.train_rows = 2345671;
  result.steps = 3456712;
  result.best_step = 4567123;
  result.sets = {{"dev", "mrpc", 5671234, false, {{"accuracy", 0.5}}, 0.5, 0.5}};
  const std::string text = to_json(result);
  for (const auto& [key, number] : std::map<std::string, std::string>{{"seed", "1234567"},
                                                                      {"fold", "7654321"},
                                                                      {"train_rows", "2345671"},
                                                                      {"steps", "3456712"},
                                                                      {"best_step", "4567123"},
                                                                      {"rows", "5671234"}}) {
    for (const char* wrong : {"-8e22", "1.5", "true", "18446744073709551516", "\"1\""}) {
      std::string changed = text;
      const size_t at = changed.find(number);
      ASSERT_NE(at, std::string::npos) << key;
      changed.replace(at, number.size(), wrong);
      EXPECT_THAT(message_of<RunError>([&] { task_result_from_json(changed, "r"); }),
                  ::testing::HasSubstr(key + " is not a whole number"))
          << wrong;
    }
  }
}

TEST(PredictionsPath, HasNoBlanks) {
  EXPECT_EQ(predictions_path("runs/x", "fold 1 of 5"), "runs/x/predictions/fold_1_of_5.tsv");
}

}  // namespace
}  // namespace linformer
