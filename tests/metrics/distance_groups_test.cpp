#include "linformer/metrics/distance_groups.h"

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(DistanceGroups, ArePowersOfTwo) {
  for (const int64_t distance : {4, 5, 6, 7}) EXPECT_EQ(distance_group(distance), 2U) << distance;
  EXPECT_EQ(distance_group(1), 0U);
  EXPECT_EQ(distance_group(3), 1U);
  EXPECT_EQ(distance_group(8), 3U);
  EXPECT_EQ(distance_group(511), 8U);
  EXPECT_EQ(distance_group(512), 9U);
}

TEST(DistanceGroups, NamesHaveTheFirstAndTheLastDistance) {
  EXPECT_EQ(distance_group_name(0), "1");
  EXPECT_EQ(distance_group_name(1), "2-3");
  EXPECT_EQ(distance_group_name(8), "256-511");
}

}  // namespace
}  // namespace linformer
