#include "report/plot_axis.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

PlotAxis axis_of(PlotScale scale) {
  PlotAxis axis;
  axis.scale = scale;
  return axis;
}

TEST(PlotAxis, TicksOfBaseTwoArePowers) {
  EXPECT_THAT(log_ticks(PlotScale::kLog2, 500, 4100), ElementsAre(512, 1024, 2048, 4096));
  // 21 powers are too many; every second one is 4^i.
  EXPECT_THAT(log_ticks(PlotScale::kLog2, 1, 1048576),
              ElementsAre(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576));
}

TEST(PlotAxis, TicksOfBaseTenHaveTwoAndFiveWhileTheyAreFew) {
  EXPECT_THAT(log_ticks(PlotScale::kLog10, 3, 60), ElementsAre(5, 10, 20, 50));
  EXPECT_THAT(log_ticks(PlotScale::kLog10, 0.001, 0.01), ElementsAre(0.001, 0.002, 0.005, 0.01));
  EXPECT_THAT(log_ticks(PlotScale::kLog10, 1, 1e5), ElementsAre(1, 10, 100, 1e3, 1e4, 1e5));
}

TEST(PlotAxis, RangesReachTicksOrHaveAMargin) {
  const PlotAxis two = axis_of(PlotScale::kLog2), ten = axis_of(PlotScale::kLog10);
  EXPECT_THAT(log_range(two, {3, 100, -1, std::nan("")}, true), Pair(2, 128));
  EXPECT_THAT(log_range(ten, {0.3, 700}, true), Pair(0.2, 1000));
  EXPECT_THAT(log_range(two, {2, 8}, true), Pair(2, 8));
  // 4 % of two octaves at each end: a factor of 4^0.04
  const auto [low, high] = log_range(two, {2, 8}, false);
  EXPECT_DOUBLE_EQ(low, 2 / std::pow(4, 0.04));
  EXPECT_DOUBLE_EQ(high, 8 * std::pow(4, 0.04));
  const auto [one_low, one_high] = log_range(two, {4}, true);
  EXPECT_LT(one_low, 4);
  EXPECT_GT(one_high, 4);
  // The number below a power of 2 whose logarithm rounds to that of the power.
  EXPECT_THAT(log_range(two, {std::nextafter(8, 0), 16}, true), Pair(4, 16));
}

TEST(PlotAxis, TakesGivenEnds) {
  PlotAxis axis = axis_of(PlotScale::kLog10);
  axis.low = 0.5;
  EXPECT_THAT(log_range(axis, {1, 10}, true), Pair(0.5, 10));
  axis.low = 0.0;
  EXPECT_THROW(log_range(axis, {1, 10}, true), std::invalid_argument);
  PlotAxis linear;
  linear.high = 100;
  EXPECT_THAT(axis_script(linear, 'y', {}, 0), HasSubstr("set yrange [*:100]"));
}

TEST(PlotAxis, LinearTicksLeaveRoomForTheirLabels) {
  // "200000" takes 6 * 9 + 14 = 68 pixels. Of 600 pixels for 200000 steps, 20000 take 60, 50000
  // 150.
  EXPECT_EQ(linear_step(0, 200000, 600), 50000);
  EXPECT_EQ(linear_step(0, 200000, 700), 20000);  // 70 pixels
  EXPECT_EQ(linear_step(1, 128, 620), 10);        // "130" takes 41 pixels, 10 are 48.8
  EXPECT_DOUBLE_EQ(linear_step(0.25, 0.5, 600), 0.05);
}

TEST(PlotAxis, WritesTicksShortly) {
  EXPECT_EQ(tick_label(65536), "65536");
  EXPECT_EQ(tick_label(1048576), "1048576");
  EXPECT_EQ(tick_label(0.001), "0.001");
  EXPECT_EQ(tick_label(1e7), "1e7");
  EXPECT_EQ(tick_label(2e-5), "2e-5");
}

}  // namespace
}  // namespace linformer
