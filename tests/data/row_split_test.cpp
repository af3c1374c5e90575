#include "linformer/data/row_split.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

/// `count` examples, a third of class 1, texts all different.
std::vector<LabelledExample> examples_of(int64_t count) {
  std::vector<LabelledExample> examples;
  for (int64_t i = 0; i < count; ++i) {
    LabelledExample example;
    example.a = "text " + std::to_string(i);
    example.target = i % 3 == 0 ? 1.0F : 0.0F;
    examples.push_back(example);
  }
  return examples;
}

double sum_of_targets(const std::vector<LabelledExample>& examples) {
  double sum = 0.0;
  for (const LabelledExample& example : examples) sum += double{example.target};
  return sum;
}

TEST(RowSplit, FoldsAreOfOneSizeAndHaveTheirShareOfEachClass) {
  const auto examples = examples_of(645);
  const auto folds = fold_numbers(examples, 5, 7);
  for (int64_t fold = 0; fold < 5; ++fold) {
    const RowSplit split = fold_split(folds, fold);
    EXPECT_EQ(split.held_out.size(), 129u);  // 645 / 5
    EXPECT_EQ(split.kept.size(), 516u);
    // 215 of class 1: 43 in each fold
    EXPECT_EQ(sum_of_targets(examples_at(examples, split.held_out)), 43.0);
  }
}

TEST(RowSplit, HoldsOutItsShareOfEachClass) {
  const auto examples = examples_of(300);
  const RowSplit split = hold_out(examples, 0.1, 3);
  EXPECT_EQ(split.held_out.size(), 30u);
  EXPECT_EQ(sum_of_targets(examples_at(examples, split.held_out)), 10.0);
  std::set<int64_t> all(split.kept.begin(), split.kept.end());
  all.insert(split.held_out.begin(), split.held_out.end());
  EXPECT_EQ(all.size(), 300u);
  EXPECT_TRUE(std::is_sorted(split.kept.begin(), split.kept.end()));
}

TEST(RowSplit, DependsOnTheSeedAlone) {
  const auto examples = examples_of(100);
  EXPECT_EQ(hold_out(examples, 0.2, 1).held_out, hold_out(examples, 0.2, 1).held_out);
  EXPECT_NE(hold_out(examples, 0.2, 1).held_out, hold_out(examples, 0.2, 2).held_out);
  EXPECT_EQ(fold_numbers(examples, 4, 1), fold_numbers(examples, 4, 1));
  EXPECT_NE(fold_numbers(examples, 4, 1), fold_numbers(examples, 4, 2));
}

TEST(RowSplit, IsNoFunctionOfTheOrder) {
  auto examples = examples_of(90);
  const auto folds = fold_numbers(examples, 3, 1);
  std::reverse(examples.begin(), examples.end());
  auto reversed = fold_numbers(examples, 3, 1);
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(reversed, folds);
}

TEST(RowSplit, EqualTextsStayTogether) {
  auto examples = examples_of(60);
  for (size_t i = 0; i < 20; ++i) {
    examples.push_back(examples[i]);
    examples.back().target = 0.0F;  // even with another label
  }
  const auto folds = fold_numbers(examples, 6, 1);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(folds[i], folds[60 + i]);
  const RowSplit split = hold_out(examples, 0.3, 1);
  std::set<std::string> kept;
  for (const auto& example : examples_at(examples, split.kept)) kept.insert(example.a);
  for (const auto& example : examples_at(examples, split.held_out))
    EXPECT_FALSE(kept.contains(example.a));
}

TEST(RowSplit, PairsAreEqualInBothTexts) {
  std::vector<LabelledExample> examples(4);
  for (size_t i = 0; i < 4; ++i) {
    examples[i].a = "same question";
    examples[i].b = "answer " + std::to_string(i);
  }
  const auto folds = fold_numbers(examples, 4, 1);
  EXPECT_EQ(std::set(folds.begin(), folds.end()).size(), 4u);
}

TEST(DrawRows, ExactlyAsManyAsAskedForWhateverRepeats) {
  // Without repeats, with some texts twice, and with one text in every second row.
  auto unique = examples_of(997);
  auto twice = examples_of(700);
  twice.insert(twice.end(), twice.begin(), twice.begin() + 297);
  auto one_text = examples_of(997);
  for (size_t i = 0; i < one_text.size(); i += 2) one_text[i].a = "the same";
  for (const auto& examples : {unique, twice, one_text}) {
    for (const int64_t count : {1, 2, 99, 100, 101, 500, 996, 997}) {
      for (const uint64_t seed : {1, 2, 3, 42}) {
        const auto drawn = draw_rows(examples, count, seed);
        EXPECT_EQ(static_cast<int64_t>(drawn.size()), count) << seed;
        EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
        EXPECT_EQ(std::set(drawn.begin(), drawn.end()).size(), drawn.size());
        EXPECT_EQ(drawn, draw_rows(examples, count, seed));
      }
    }
  }
  EXPECT_NE(draw_rows(unique, 100, 1), draw_rows(unique, 100, 2));
  // 333 of 997 are of class 1: 100.2 of 300, and no part of the classes is off by more than one.
  EXPECT_NEAR(sum_of_targets(examples_at(unique, draw_rows(unique, 300, 1))), 100.2, 1.0);
  EXPECT_THROW(draw_rows(unique, 0, 1), std::invalid_argument);
  EXPECT_THROW(draw_rows(unique, 998, 1), std::invalid_argument);
}

TEST(RowSplit, SaysWhenThereIsTooLittle) {
  EXPECT_THAT(message_of<RunError>([] { fold_numbers(examples_of(3), 4, 1); }),
              ::testing::HasSubstr("3 distinct examples make no 4 folds"));
  EXPECT_THAT(message_of<RunError>([] { hold_out(examples_of(1), 0.5, 1); }),
              ::testing::HasSubstr("too few to hold some out"));
  EXPECT_THROW(hold_out(examples_of(4), 1.0, 1), std::invalid_argument);
}

}  // namespace
}  // namespace linformer
