#include "report/plot_style.h"

#include <set>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linformer/report/plot.h"

namespace linformer {
namespace {

TEST(PlotStyle, SignalsBecomeColoursOfThePage) {
  EXPECT_EQ(page_color(series_signal(0)), "var(--plot-1,#0072b2)");
  EXPECT_EQ(page_color(text_signal()), "currentColor");
  EXPECT_THAT(page_color(grid_signal()), ::testing::Optional(::testing::HasSubstr("--plot-grid")));
  EXPECT_EQ(page_color({0, 0, 0}), std::nullopt);
  EXPECT_EQ(page_color(series_signal(num_plot_colors())), std::nullopt);
}

TEST(PlotStyle, ColourAndMarkerTogetherDiffer) {
  std::set<std::pair<size_t, int>> seen;
  for (size_t s = 0; s < 6 * num_plot_colors(); ++s) {
    const SeriesLook look = series_look(s);
    EXPECT_TRUE(seen.emplace(look.color, look.open_marker).second) << s;
    EXPECT_EQ(look.filled_marker, look.open_marker + 1);
  }
}

TEST(PlotStyle, CellsHaveReadableText) {
  const Rgb white{255, 255, 255}, black{0, 0, 0};
  EXPECT_EQ(heat_text_color(0.0), white);   // dark violet
  EXPECT_EQ(heat_text_color(1.0), black);   // yellow
  EXPECT_EQ(heat_text_color(-3.0), white);  // below the range
  EXPECT_EQ(hex_color({0, 114, 178}), "#0072b2");
}

}  // namespace
}  // namespace linformer
