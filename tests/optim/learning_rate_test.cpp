#include "linformer/optim/learning_rate.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace linformer {
namespace {

double rate(ScheduleType type, int64_t update, int64_t warmup = 2, int64_t total = 10,
            double power = 1.0, double final_rate = 0.0) {
  ScheduleConfig schedule;
  schedule.type = type;
  schedule.power = power;
  schedule.final_learning_rate = final_rate;
  return learning_rate_at(schedule, /*peak=*/1.0, warmup, total, update);
}

TEST(LearningRate, WarmsUpFromZero) {
  for (const auto type : {ScheduleType::kLinear, ScheduleType::kCosine, ScheduleType::kPolynomial,
                          ScheduleType::kConstant, ScheduleType::kInverseSqrt}) {
    EXPECT_DOUBLE_EQ(rate(type, 0), 0.0);
    EXPECT_DOUBLE_EQ(rate(type, 1), 0.5);
    EXPECT_DOUBLE_EQ(rate(type, 2), 1.0);
  }
}

TEST(LearningRate, FallsAsEachScheduleSays) {
  // Update 6 of 2 .. 10 is half of the way, t = 1/2.
  EXPECT_DOUBLE_EQ(rate(ScheduleType::kLinear, 6), 0.5);
  EXPECT_DOUBLE_EQ(rate(ScheduleType::kCosine, 6), 0.5);
  EXPECT_NEAR(rate(ScheduleType::kCosine, 4), (1 + std::sqrt(0.5)) / 2, 1e-15);  // cos(pi / 4)
  EXPECT_DOUBLE_EQ(rate(ScheduleType::kPolynomial, 6, 2, 10, 2.0), 0.25);        // (1/2)^2
  EXPECT_DOUBLE_EQ(rate(ScheduleType::kPolynomial, 6, 2, 10, 2.0, 0.2), 0.4);    // 0.2 + 0.8 / 4
  EXPECT_DOUBLE_EQ(rate(ScheduleType::kConstant, 9), 1.0);
  EXPECT_DOUBLE_EQ(rate(ScheduleType::kInverseSqrt, 8), 0.5);  // sqrt(2 / 8)
}

TEST(LearningRate, EndsAtTheFinalValue) {
  EXPECT_DOUBLE_EQ(rate(ScheduleType::kCosine, 10, 2, 10, 1.0, 0.1), 0.1);
  for (const auto type : {ScheduleType::kLinear, ScheduleType::kPolynomial}) {
    EXPECT_DOUBLE_EQ(rate(type, 10, 2, 10, 1.0, 0.1), 0.1);
    EXPECT_DOUBLE_EQ(rate(type, 25, 2, 10, 1.0, 0.1), 0.1);
  }
}

TEST(LearningRate, TheLastUpdateOfARunHasTheFinalValue) {
  for (const auto type :
       {ScheduleType::kLinear, ScheduleType::kCosine, ScheduleType::kPolynomial}) {
    for (const int64_t steps : {1, 2, 7, 60}) {
      for (const int64_t warmup : {int64_t{0}, steps / 2, steps - 1}) {
        ScheduleConfig schedule;
        schedule.type = type;
        schedule.final_learning_rate = 5e-4;
        const auto at = [&](int64_t update) {
          return learning_rate_at(schedule, 1e-3, warmup, schedule_end(schedule, steps), update);
        };
        EXPECT_NEAR(at(steps - 1), 5e-4, 1e-18) << warmup << " of " << steps;
        if (warmup + 1 < steps) {
          EXPECT_DOUBLE_EQ(at(warmup), 1e-3) << warmup << " of " << steps;
          EXPECT_GT(at(steps - 2), 5e-4) << warmup << " of " << steps;
        }
        // With 0 no step is made at that rate.
        schedule.final_learning_rate = 0.0;
        EXPECT_EQ(schedule_end(schedule, steps), steps);
        if (warmup == 0) {
          EXPECT_GT(at(steps - 1), 0.0);
        }
        EXPECT_NEAR(at(steps), 0.0, 1e-18);
      }
    }
  }
  EXPECT_EQ(schedule_end({}, std::nullopt), INT64_MAX);
}

// ../shared/fixtures/scalars.json: the schedules of Hugging Face's transformers.
TEST(LearningRate, EqualsTransformers) {
  const std::string path = LINFORMER_SHARED_DIR "/fixtures/scalars.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "../shared/fixtures is absent";
  std::ifstream stream(path);
  const auto all = nlohmann::json::parse(stream)["learning_rate"];
  const std::map<std::string, ScheduleType> types{{"linear", ScheduleType::kLinear},
                                                  {"cosine", ScheduleType::kCosine},
                                                  {"polynomial", ScheduleType::kPolynomial},
                                                  {"constant_with_warmup", ScheduleType::kConstant},
                                                  {"inverse_sqrt", ScheduleType::kInverseSqrt}};
  ASSERT_EQ(all.size(), types.size());
  for (const auto& [name, expected] : all.items()) {
    ScheduleConfig schedule;
    schedule.type = types.at(name);
    schedule.power = expected.value("power", 1.0);
    schedule.final_learning_rate = expected.value("lr_end", 0.0);
    const auto& rates = expected["lr_of_step"];
    for (size_t i = 0; i < rates.size(); ++i) {
      EXPECT_NEAR(learning_rate_at(schedule, expected["peak_lr"], expected["warmup_steps"],
                                   expected["total_steps"], static_cast<int64_t>(i)),
                  rates[i].get<double>(), 1e-15)
          << name << ", update " << i;
    }
  }
}

}  // namespace
}  // namespace linformer
