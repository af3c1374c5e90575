#include "linformer/report/remaining_time.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(RemainingTime, NeedsTwoMarks) {
  RemainingTime time;
  EXPECT_FALSE(time.seconds_to(100));
  time.mark(10, 5.0);
  EXPECT_FALSE(time.seconds_to(100));
  time.mark(10, 6.0);
  EXPECT_FALSE(time.seconds_to(100));
  time.mark(20, 7.0);
  EXPECT_DOUBLE_EQ(*time.seconds_to(100), 16.0);
  EXPECT_DOUBLE_EQ(*time.seconds_to(20), 0.0);
  EXPECT_DOUBLE_EQ(*time.seconds_to(5), 0.0);
}

TEST(RemainingTime, IsExactAtASteadySpeed) {
  RemainingTime time;
  for (int64_t done = 0; done <= 10000; done += 20) {
    time.mark(done, 3.0 + 0.25 * static_cast<double>(done));
    if (done > 0) {
      EXPECT_NEAR(*time.seconds_to(10000), 0.25 * static_cast<double>(10000 - done), 1e-6);
    }
  }
}

TEST(RemainingTime, CountsPausesAndIgnoresThatTheyComeSeldom) {
  // A second each, and a pause of 100 s after each 100: two seconds each in the long run.
  RemainingTime time;
  double clock = 0.0;
  double worst = 0.0;
  for (int64_t done = 1; done <= 4000; ++done) {
    clock += done % 100 == 0 ? 101.0 : 1.0;
    time.mark(done, clock);
    if (done < 1000) continue;
    worst = std::max(worst, std::abs(*time.seconds_to(5000) / (2.0 * (5000.0 - done)) - 1.0));
  }
  EXPECT_LT(worst, 0.11);
}

TEST(RemainingTime, FollowsAChangeOfSpeed) {
  RemainingTime time;
  for (int64_t done = 0; done <= 100; ++done) time.mark(done, static_cast<double>(done));
  // Three times as slow from here on; once half of all was done so, only that counts.
  for (int64_t done = 101; done <= 200; ++done) {
    time.mark(done, 100.0 + 3.0 * static_cast<double>(done - 100));
  }
  EXPECT_DOUBLE_EQ(*time.seconds_to(300), 300.0);
}

TEST(RemainingTime, BeginsAnewAfterAStepBack) {
  RemainingTime time;
  time.mark(100, 0.0);
  time.mark(200, 1000.0);
  time.mark(150, 1001.0);  // rolled back
  EXPECT_FALSE(time.seconds_to(300));
  time.mark(160, 1011.0);
  EXPECT_DOUBLE_EQ(*time.seconds_to(260), 100.0);
}

}  // namespace
}  // namespace linformer
