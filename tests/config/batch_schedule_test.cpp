#include "linformer/config/batch_schedule.h"

#include <vector>

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(BatchSchedule, ConstantSizes) {
  const BatchSchedule schedule(8);
  EXPECT_EQ(schedule.sequences(0), 8);
  EXPECT_EQ(schedule.first_sequence(5), 40);
  EXPECT_EQ(schedule.step_of(39), 4);
  EXPECT_EQ(schedule.step_of(40), 5);
  EXPECT_EQ(schedule.steps_for(0), 0);
  EXPECT_EQ(schedule.steps_for(40), 5);
  EXPECT_EQ(schedule.steps_for(41), 6);
}

TEST(BatchSchedule, RampByHand) {
  // From 2 to 8 over 6 steps: 2 (1 + floor(3 i / 6)) = 2, 2, 4, 4, 6, 6, then 8.
  const BatchSchedule schedule(8, 2, 6);
  const std::vector<int64_t> sizes{2, 2, 4, 4, 6, 6, 8, 8, 8};
  int64_t position = 0;
  for (size_t step = 0; step < sizes.size(); ++step) {
    const auto number = static_cast<int64_t>(step);
    EXPECT_EQ(schedule.sequences(number), sizes[step]) << step;
    EXPECT_EQ(schedule.first_sequence(number), position) << step;
    position += sizes[step];
  }
  // 2 + 2 + 4 + 4 + 6 + 6 = 24 sequences in the ramp; 25 need one step of 8 more.
  EXPECT_EQ(schedule.steps_for(24), 6);
  EXPECT_EQ(schedule.steps_for(25), 7);
  EXPECT_EQ(schedule.steps_for(33), 8);
}

TEST(BatchSchedule, PlacesAreTheSumsOfTheSizes) {
  for (const int64_t start : {1, 3, 8}) {
    for (const int64_t levels : {1, 2, 7, 100}) {
      for (const int64_t ramp : {0, 1, 5, 64, 1000}) {
        const BatchSchedule schedule(start * levels, start, ramp);
        int64_t position = 0;
        for (int64_t step = 0; step < ramp + 20; ++step) {
          ASSERT_EQ(schedule.first_sequence(step), position);
          const int64_t size = schedule.sequences(step);
          ASSERT_EQ(size % start, 0);
          ASSERT_GE(size, step > 0 ? schedule.sequences(step - 1) : start);
          ASSERT_EQ(schedule.step_of(position), step);
          ASSERT_EQ(schedule.step_of(position + size - 1), step);
          ASSERT_EQ(schedule.steps_for(position + 1), step + 1);
          position += size;
        }
      }
    }
  }
}

TEST(BatchSchedule, LongRampsStayExact) {
  // The sum of 1 + floor((2^20 - 1) i / 2^30) over 2^30 steps lies at most one per step above the
  // line through the floors, and differences and inverses have to hold to the last sequence.
  const BatchSchedule schedule(int64_t{1} << 20, 1, int64_t{1} << 30);
  const auto steps = int64_t{1} << 30;
  const auto line = (static_cast<double>(steps) * ((1 << 20) - 1)) / 2.0;
  const auto sum = static_cast<double>(schedule.first_sequence(steps));
  EXPECT_LE(sum, line + static_cast<double>(steps));
  EXPECT_GE(sum, line - static_cast<double>(1 << 20));
  for (const int64_t step : {int64_t{1}, int64_t{123456789}, steps - 1, steps, steps + 7}) {
    EXPECT_EQ(schedule.first_sequence(step + 1) - schedule.first_sequence(step),
              schedule.sequences(step));
    EXPECT_EQ(schedule.step_of(schedule.first_sequence(step)), step);
    EXPECT_EQ(schedule.step_of(schedule.first_sequence(step) - 1), step - 1);
  }
}

}  // namespace
}  // namespace linformer
