#include "linformer/data/length_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LengthBatches, PutRowsOfSimilarLengthTogetherLongestFirst) {
  const std::vector<size_t> lengths{3, 9, 3, 0, 5, 9, 1};
  EXPECT_THAT(length_batches(lengths, {2, 1000}),
              ElementsAre(ElementsAre(1, 5), ElementsAre(4, 0), ElementsAre(2, 6)));
}

TEST(LengthBatches, BoundTheirPositions) {
  const std::vector<size_t> lengths{4, 30, 4, 4, 4, 10};
  // 20 positions: one row of 30 alone, 20 / 10 = two rows from 10 on, 20 / 4 = five from 4 on
  EXPECT_THAT(length_batches(lengths, {8, 20}),
              ElementsAre(ElementsAre(1), ElementsAre(5, 0), ElementsAre(2, 3, 4)));
}

TEST(LengthBatches, OfNothing) {
  EXPECT_THAT(length_batches({}, {}), IsEmpty());
  const std::vector<size_t> empty{0, 0};
  EXPECT_THAT(length_batches(empty, {}), IsEmpty());
}

}  // namespace
}  // namespace linformer
