#include "linformer/metrics/loss_groups.h"

#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "linformer/core/special_tokens.h"

namespace linformer {
namespace {

using Ids = std::vector<int64_t>;
using Found = std::vector<OtherOccurrences>;

constexpr int64_t kVocabSize = 20;
constexpr int64_t kMask = 19;

/// {name, {tokens, nll, right}} of each group, in order.
using Rows = std::vector<std::pair<std::string, std::tuple<int64_t, double, int64_t>>>;

Rows groups_of(const LossTable& table) {
  Rows all;
  for (const LossGroup& group : table.groups) {
    const TokenTotals& totals = group.totals;
    all.push_back({group.name, {totals.nll.masked_tokens, totals.nll.nll_sum, totals.num_right}});
  }
  return all;
}

TEST(OtherOccurrences, CountsWhatTheModelSeesElsewhere) {
  //                position: 0  1  2      3  4  5      6  7
  const Ids input_ids{kBosId, 5, kMask, 7, 5, kMask, 5, kEosId};
  const Ids positions{2, 5};
  // 5 at 1, 4, 6: nearest to 2 is 1 (distance 1). 8 is nowhere.
  EXPECT_EQ(other_occurrences({input_ids, positions, Ids{5, 8}}, kVocabSize),
            (Found{{3, 1}, {0, 0}}));
  // 7 stands at 3 alone: |3 - 2| = 1, |3 - 5| = 2
  EXPECT_EQ(other_occurrences({input_ids, positions, Ids{7, 7}}, kVocabSize),
            (Found{{1, 1}, {1, 2}}));
}

TEST(OtherOccurrences, TokensBehindMasksAreNotSeen) {
  // The sequence was 5 5: each hides the other.
  const Ids input_ids{kBosId, kMask, kMask, kEosId};
  EXPECT_EQ(other_occurrences({input_ids, Ids{1, 2}, Ids{5, 5}}, kVocabSize),
            (Found{{0, 0}, {0, 0}}));
}

TEST(OtherOccurrences, PredictedTokensCountAsTheModelSeesThem) {
  // The sequence was 5 6 5 5. Position 1 was left in place: it is an occurrence for 3 and 4, not
  // for itself. Position 2 shows a random id that happens to be 5; so does it for the others.
  const Ids input_ids{kBosId, 5, 5, kMask, 9, kEosId};
  EXPECT_EQ(other_occurrences({input_ids, Ids{1, 2, 3, 4}, Ids{5, 6, 5, 5}}, kVocabSize),
            (Found{{1, 1}, {0, 0}, {2, 1}, {2, 2}}));
}

TEST(OtherOccurrences, SpecialTokensAndPaddingNeverCount) {
  const Ids input_ids{kBosId, kUnkId, kEosId, kMask, kEosId, kUnkId, kPadId, kPadId};
  for (const int64_t special :
       {int64_t{kBosId}, int64_t{kPadId}, int64_t{kEosId}, int64_t{kUnkId}, kMask}) {
    EXPECT_EQ(other_occurrences({input_ids, Ids{3}, Ids{special}}, kVocabSize), (Found{{0, 0}}))
        << special;
  }
}

TEST(OtherOccurrences, TheNearestMayStandOnEitherSide) {
  const Ids input_ids{6, kMask, 8, 9, kMask, 6, 10, 6};
  // from 1: 6 at 0, 5, 7, so 1 before; from 4: 4 before and 1 behind
  EXPECT_EQ(other_occurrences({input_ids, Ids{1, 4}, Ids{6, 6}}, kVocabSize),
            (Found{{3, 1}, {3, 1}}));
  // only behind: 10 at 6, from 1 and 4; only before: 8 at 2
  EXPECT_EQ(other_occurrences({input_ids, Ids{1, 4}, Ids{10, 8}}, kVocabSize),
            (Found{{1, 5}, {1, 2}}));
}

class LossGroupsTest : public ::testing::Test {
 protected:
  LossGroupsTest() : groups_(kVocabSize) {
    // 5 three times elsewhere, the nearest at distance 1; 6 once, at distance 5; 7 nowhere. 5 and 6
    // are predicted right.
    const Ids first{5, 6, 5, 8, kMask, 5, kMask, kMask};
    groups_.add({first, Ids{4, 6, 7}, Ids{5, 6, 7}}, std::vector<double>{0.25, 1.0, 2.0},
                Ids{5, 6, 8});
    // 8 six times, at distance 1; 7 once, at distance 8. The first sequence's ids are not seen.
    // 8 is predicted everywhere.
    const Ids second{7, 8, 8, 8, 8, 8, 8, kMask, kMask, kMask, kPadId, kPadId};
    groups_.add({second, Ids{7, 8, 9}, Ids{8, 7, 5}}, std::vector<double>{0.5, 4.0, 8.0},
                Ids{8, 8, 8});
  }
  LossGroups groups_;
};

TEST_F(LossGroupsTest, Repetition) {
  const std::vector<LossTable> tables = groups_.tables(LossSplit::kRepetition, {});
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(groups_of(tables[0]),
            (Rows{{"not seen elsewhere", {2, 10.0, 0}}, {"seen elsewhere", {4, 5.75, 3}}}));
  EXPECT_EQ(groups_of(tables[1]), (Rows{{"0", {2, 10.0, 0}},
                                        {"1", {2, 5.0, 1}},
                                        {"2", {0, 0.0, 0}},
                                        {"3-4", {1, 0.25, 1}},
                                        {"5+", {1, 0.5, 1}}}));
  EXPECT_TRUE(std::isnan(tables[1].groups[2].totals.nll.mean()));
  EXPECT_TRUE(std::isnan(tables[1].groups[2].totals.accuracy()));
  EXPECT_EQ(tables[0].groups[1].totals.accuracy(), 0.75);  // 3 of 4
}

TEST_F(LossGroupsTest, DistanceGoesToTheLongestSequence) {
  const std::vector<LossTable> tables = groups_.tables(LossSplit::kDistance, {});
  ASSERT_EQ(tables.size(), 1U);
  // 12 positions are at most 11 apart
  EXPECT_EQ(groups_of(tables[0]), (Rows{{"not seen elsewhere", {2, 10.0, 0}},
                                        {"1", {2, 0.75, 2}},
                                        {"2-3", {0, 0.0, 0}},
                                        {"4-7", {1, 1.0, 1}},
                                        {"8-15", {1, 4.0, 0}}}));
}

TEST_F(LossGroupsTest, FrequencyInTheTrainingData) {
  Ids counts(kVocabSize, 0);
  counts[5] = 1'000;  // of 100,000: not over 1 in 100
  counts[6] = 1'001;
  counts[7] = 2;
  counts[8] = 0;
  counts[9] = 100'000 - 2'003;
  const std::vector<LossTable> tables = groups_.tables(LossSplit::kFrequency, counts);
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(groups_of(tables[0]), (Rows{{"over 1 in 100", {1, 1.0, 1}},
                                        {"over 1 in 1,000", {2, 8.25, 1}},
                                        {"over 1 in 10,000", {0, 0.0, 0}},
                                        {"over 1 in 100,000", {2, 6.0, 0}},
                                        {"rarer", {1, 0.5, 1}}}));
}

TEST(LossGroups, FrequencyInTheTextItselfHasMasksUndone) {
  LossGroups groups(kVocabSize);
  // The text was 100 times 8 and once 7, which is 1 in 101. The 9 that stands for it is not text.
  Ids input_ids(102, 8);
  input_ids.front() = kBosId;
  input_ids[50] = 9;
  input_ids[51] = kMask;
  groups.add({input_ids, Ids{50, 51}, Ids{7, 8}}, std::vector<double>{3.0, 1.0}, Ids{7, 7});
  const std::vector<LossTable> tables = groups.tables(LossSplit::kFrequency, {});
  EXPECT_EQ(tables[0].groups[0].totals, (TokenTotals{{1.0, 1}, 0}));
  EXPECT_EQ(tables[0].groups[1].totals, (TokenTotals{{3.0, 1}, 1}));
}

TEST_F(LossGroupsTest, EveryTableAddsUpToTheWhole) {
  for (const LossSplit split :
       {LossSplit::kRepetition, LossSplit::kDistance, LossSplit::kFrequency}) {
    for (const LossTable& table : groups_.tables(split, {})) {
      TokenTotals sum;
      for (const LossGroup& group : table.groups) sum.add(group.totals);
      EXPECT_EQ(sum, (TokenTotals{{15.75, 6}, 3})) << table.key;
      EXPECT_EQ(sum, groups_.totals());
    }
  }
}

}  // namespace
}  // namespace linformer
