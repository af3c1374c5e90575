#include "linformer/metrics/classification.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using Classes = std::vector<int64_t>;

TEST(Classification, TwoClassesByHand) {
  // tp 2, fn 1, fp 1, tn 3
  const Classes labels{1, 1, 1, 0, 0, 0, 0};
  const Classes predictions{1, 1, 0, 1, 0, 0, 0};
  const ConfusionCounts counts(predictions, labels);
  EXPECT_EQ(counts.num_classes(), 2);
  EXPECT_EQ(counts.num_rows(), 7);
  EXPECT_EQ(counts.count(1, 1), 2);
  EXPECT_EQ(counts.count(1, 0), 1);
  EXPECT_EQ(counts.count(0, 1), 1);
  EXPECT_EQ(counts.count(0, 0), 3);
  EXPECT_EQ(counts.label_count(0), 4);
  EXPECT_EQ(counts.prediction_count(1), 3);
  EXPECT_DOUBLE_EQ(counts.accuracy(), 5.0 / 7.0);
  EXPECT_DOUBLE_EQ(counts.f1(1), 4.0 / 6.0);                    // 2 * 2 / (2 * 2 + 1 + 1)
  EXPECT_DOUBLE_EQ(counts.f1(0), 6.0 / 8.0);                    // 2 * 3 / (2 * 3 + 1 + 1)
  EXPECT_DOUBLE_EQ(counts.macro_f1(), 17.0 / 24.0);             // (2/3 + 3/4) / 2
  EXPECT_DOUBLE_EQ(counts.matthews_correlation(), 5.0 / 12.0);  // (2*3 - 1*1) / sqrt(3*3*4*4)
}

TEST(Classification, ThreeClassesByHand) {
  const Classes labels{0, 0, 1, 1, 2, 2};
  const Classes predictions{0, 1, 1, 1, 2, 0};
  const ConfusionCounts counts(predictions, labels);
  // c = 4, s = 6, p = (2, 3, 1), t = (2, 2, 2): (4*6 - 12) / sqrt((36 - 14) (36 - 12))
  EXPECT_DOUBLE_EQ(counts.matthews_correlation(), 12.0 / std::sqrt(22.0 * 24.0));
  // 2*1/(2+2), 2*2/(2+3), 2*1/(2+1)
  EXPECT_DOUBLE_EQ(counts.macro_f1(), (0.5 + 0.8 + 2.0 / 3.0) / 3.0);
}

TEST(Classification, ClassesThatNeverOccurDoNotCount) {
  const Classes labels{2, 2, 2, 0};
  const Classes predictions{2, 2, 2, 2};
  const ConfusionCounts counts(predictions, labels);
  EXPECT_EQ(counts.f1(1), 0.0);
  EXPECT_EQ(counts.f1(7), 0.0);
  EXPECT_DOUBLE_EQ(counts.macro_f1(), (0.0 + 6.0 / 7.0) / 2.0);  // of classes 0 and 2
}

TEST(Classification, OneClassHasNoMatthewsCorrelation) {
  const Classes mixed{0, 1, 1};
  const Classes ones{1, 1, 1};
  EXPECT_EQ(ConfusionCounts(ones, mixed).matthews_correlation(), 0.0);
  EXPECT_EQ(ConfusionCounts(mixed, ones).matthews_correlation(), 0.0);
  EXPECT_EQ(ConfusionCounts(ones, ones).matthews_correlation(), 0.0);
  EXPECT_EQ(ConfusionCounts(ones, ones).f1(1), 1.0);
}

TEST(Classification, MajorityClass) {
  const Classes labels{2, 0, 2, 0, 1};
  EXPECT_EQ(majority_class(labels), 0);
  EXPECT_DOUBLE_EQ(majority_class_rate(labels), 0.4);
}

TEST(Classification, WithoutRowsThereIsNoFigure) {
  EXPECT_THAT(message_of<RunError>([] { ConfusionCounts({}, {}); }),
              ::testing::HasSubstr("no row to compare predictions with"));
  EXPECT_THROW(majority_class({}), RunError);
  EXPECT_THROW(majority_class_rate({}), RunError);
  const Classes one{0};
  EXPECT_THROW(ConfusionCounts(one, {}), RunError);
  EXPECT_THROW(ConfusionCounts({}, one), std::invalid_argument);
  const Classes negative{-1};
  EXPECT_THROW(ConfusionCounts(one, negative), std::out_of_range);
}

}  // namespace
}  // namespace linformer
