#include "linformer/baselines/text_features.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

using ::testing::ElementsAre;

LabelledExample example_of(const std::string& a, std::optional<std::string> b = std::nullopt) {
  LabelledExample example;
  example.a = a;
  example.b = std::move(b);
  return example;
}

TEST(TextFeatures, WordsAreLowerCaseAndPunctuationStandsAlone) {
  EXPECT_THAT(words_of("It isn't  caf\xC3\xA9 No. 7!"),
              ElementsAre("it", "isn", "'", "t", "caf\xC3\xA9", "no", ".", "7", "!"));
}

TEST(TextFeatures, WeightsByHand) {
  // Words and pairs of neighbours of 3 texts; only what two texts have becomes a column: "a" (in
  // 3), "b" (in 2), "a b" (in 2).
  const std::vector<LabelledExample> examples{example_of("a b"), example_of("a b x"),
                                              example_of("y a a")};
  const TextFeatures features(examples);
  EXPECT_EQ(features.num_columns(), 3u);
  const SparseRows rows = features.rows(examples);
  ASSERT_EQ(rows.num_rows(), 3u);
  EXPECT_EQ(rows.ends[0], 3u);
  // idf of "a" is log(4/4) + 1 = 1, of the others log(4/3) + 1; scaled to length 1.
  const double other = std::log(4.0 / 3.0) + 1.0;
  const double norm = std::sqrt(1.0 + 2.0 * other * other);
  std::vector<float> values(rows.values.begin(), rows.values.begin() + 3);
  std::sort(values.begin(), values.end());
  EXPECT_NEAR(values[0], 1.0 / norm, 1e-6);
  EXPECT_NEAR(values[1], other / norm, 1e-6);
  EXPECT_NEAR(values[2], other / norm, 1e-6);
  // The third has "a" alone ("a a" and "y" are in one text only).
  EXPECT_EQ(rows.ends[2] - rows.begin(2), 1u);
  EXPECT_FLOAT_EQ(rows.values.back(), 1.0F);
}

TEST(TextFeatures, UnknownTextsHaveNoColumns) {
  const std::vector<LabelledExample> examples{example_of("a b"), example_of("a b")};
  const TextFeatures features(examples);
  const SparseRows rows = features.rows(std::vector<LabelledExample>{example_of("new words")});
  ASSERT_EQ(rows.num_rows(), 1u);
  EXPECT_EQ(rows.ends[0], 0u);
}

TEST(TextFeatures, PairsHaveFiguresOfTheirOverlap) {
  const std::vector<LabelledExample> examples{example_of("a b c", "a b c"),
                                              example_of("d e", "f g h i")};
  const TextFeatures features(examples);
  const SparseRows rows = features.rows(examples);
  // The last seven values of a row: cosine, its square, shares of a and b, the square, pairs,
  // ratio.
  const auto figures = [&](size_t row) {
    return std::vector<float>(rows.values.begin() + static_cast<std::ptrdiff_t>(rows.ends[row]) - 7,
                              rows.values.begin() + static_cast<std::ptrdiff_t>(rows.ends[row]));
  };
  EXPECT_THAT(figures(0), ElementsAre(1, 1, 1, 1, 1, 1, 1));
  EXPECT_THAT(figures(1), ElementsAre(0, 0, 0, 0, 0, 0, 0.5F));
}

TEST(TextFeatures, KnowsWhichTextAWordIsOf) {
  const std::vector<LabelledExample> examples{example_of("a", "b"), example_of("a", "b"),
                                              example_of("b", "a"), example_of("b", "a")};
  const TextFeatures features(examples);
  const SparseRows rows = features.rows(examples);
  const auto columns = [&](size_t row) {
    return std::vector<uint32_t>(
        rows.columns.begin() + static_cast<std::ptrdiff_t>(rows.begin(row)),
        rows.columns.begin() + static_cast<std::ptrdiff_t>(rows.ends[row]));
  };
  EXPECT_EQ(columns(0), columns(1));
  EXPECT_NE(columns(0), columns(2));
}

}  // namespace
}  // namespace linformer
