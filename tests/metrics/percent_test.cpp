#include "linformer/metrics/percent.h"

#include <cmath>

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(Percent, HasTwoDecimalsAndTheSign) {
  EXPECT_EQ(percent_text(0.521739), "52.17 %");
  EXPECT_EQ(percent_text(-0.04), "-4.00 %");
  EXPECT_EQ(percent_text(0.5427, 0), "54 %");
  EXPECT_EQ(percent_text(std::nan("")), "-");
}

TEST(Percent, IsForMetricsOfTasks) {
  EXPECT_EQ(figure_text("accuracy", 0.5092), "50.92 %");
  EXPECT_EQ(figure_text("valid_mcc", 0.25), "25.00 %");
  EXPECT_EQ(figure_text("valid_perplexity", 10.344), "10.34");
  EXPECT_EQ(figure_text("valid_loss", 0.5), "0.5");
}

}  // namespace
}  // namespace linformer
