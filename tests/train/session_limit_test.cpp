#include "linformer/train/session_limit.h"

#include <cstdlib>
#include <ctime>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

class SessionLimit : public ::testing::Test {
 protected:
  void SetUp() override { TearDown(); }
  void TearDown() override {
    for (const char* name : {"SLURM_JOB_START_TIME", "SLURM_JOB_END_TIME"}) ::unsetenv(name);
  }
  static void job_ends_in(int64_t seconds) {
    ::setenv("SLURM_JOB_END_TIME", std::to_string(std::time(nullptr) + seconds).c_str(), 1);
  }
};

TEST_F(SessionLimit, IsTheEarlierOfConfigurationAndJobLessTheTimeToSave) {
  TrainerConfig config;
  config.checkpoint.save_before_seconds = 100;
  EXPECT_FALSE(seconds_to_session_end(config));
  config.training.session_hours = 0.5;
  EXPECT_DOUBLE_EQ(seconds_to_session_end(config).value(), 1700.0);
  job_ends_in(1000);
  EXPECT_NEAR(seconds_to_session_end(config).value(), 900.0, 2.0);
  job_ends_in(10000);
  EXPECT_DOUBLE_EQ(seconds_to_session_end(config).value(), 1700.0);
  config.training.session_hours.reset();
  EXPECT_NEAR(seconds_to_session_end(config).value(), 9900.0, 2.0);
}

TEST_F(SessionLimit, AJobEndThatIsNoNumberIsNone) {
  ::setenv("SLURM_JOB_END_TIME", "tomorrow", 1);
  EXPECT_FALSE(seconds_to_session_end(TrainerConfig{}));
}

TEST_F(SessionLimit, AJobShorterThanTheTimeToSaveIsRefused) {
  TrainerConfig config;
  config.checkpoint.save_before_seconds = 100;
  job_ends_in(50);  // of a longer job, as far as anybody knows
  EXPECT_LT(seconds_to_session_end(config).value(), 0.0);
  const auto job_began = [](int64_t seconds) {
    ::setenv("SLURM_JOB_START_TIME", std::to_string(std::time(nullptr) - seconds).c_str(), 1);
  };
  job_began(3600);
  EXPECT_LT(seconds_to_session_end(config).value(), 0.0);
  job_began(20);
  EXPECT_THAT(message_of<UsageError>([&] { seconds_to_session_end(config); }),
              ::testing::HasSubstr("each job would end before its first step"));
}

}  // namespace
}  // namespace linformer
