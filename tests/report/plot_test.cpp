#include "linformer/report/plot.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <regex>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "report/markup_check.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Two measured series, one with a band, and a published one; n on a base-2 axis.
Plot line_plot() {
  LinePlot lines;
  lines.x = {"sequence length n (tokens)", PlotScale::kLog2};
  lines.y = {"time (ms)", PlotScale::kLog10};
  lines.series = {{"Transformer", {512, 1024, 2048}, {10, 40, 160}, {8, 35, 150}, {12, 45, 170}},
                  {"Linformer", {512, 1024, 2048}, {10, 20, kNan}},
                  {"published", {512, 2048}, {5, 90}, {}, {}, PlotSource::kPublished, 0}};
  return {"Time over n", "Grows with n.", lines};
}

Plot bar_plot() {
  BarPlot bars;
  bars.category_title = "task";
  bars.categories = {"SST-2", "QNLI"};
  bars.y = {"accuracy (%)"};
  bars.series = {{"measured", {90, kNan}, {89, kNan}, {91, kNan}},
                 {"published", {93, 91}, {}, {}, PlotSource::kPublished, 0},
                 {"second", {80, 81}}};
  return {"Accuracy", "", bars};
}

Plot heat_map() {
  HeatMap map;
  map.row_title = "layer";
  map.column_title = "head";
  map.value_title = "share";
  map.rows = {"first", "second"};
  map.columns = {"h1", "h2"};
  map.values = {{0.25, 0.5}, {kNan, 1.0}};
  return {"Spectrum", "", map};
}

std::vector<Plot> plots_of_all_kinds() {
  return {line_plot(), bar_plot(), heat_map(), {"Empty", "", LinePlot{}}};
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// Sets PATH for one test.
class PathGuard {
 public:
  explicit PathGuard(const std::string& path) : before_(std::getenv("PATH")) {
    ::setenv("PATH", path.c_str(), 1);
  }
  ~PathGuard() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

void write_program(const std::string& path, const std::string& script) {
  write_file_atomically(path, "#!/bin/sh\n" + script + "\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

TEST(Plot, IsAPictureThatStandsAlone) {
  for (const Plot& plot : plots_of_all_kinds()) {
    const std::string svg = plot_svg(plot, "plot1");
    EXPECT_THAT(svg, StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    EXPECT_THAT(svg, HasSubstr("role=\"img\" aria-labelledby=\"plot1-title plot1-desc\""));
    EXPECT_THAT(markup_problems(svg), IsEmpty()) << plot.title;
    EXPECT_THAT(texts_of(svg, "title"), ElementsAre(plot.title));
    EXPECT_EQ(count(svg, "<desc"), 1u);
    EXPECT_THAT(svg,
                AllOf(Not(HasSubstr("<?xml")), Not(HasSubstr("gnuplot")), Not(HasSubstr("GNUPLOT")),
                      Not(HasSubstr("\"black\"")), Not(HasSubstr("\"white\""))));
  }
}

TEST(Plot, TheSameDataGiveTheSameBytes) {
  for (const Plot& plot : plots_of_all_kinds()) {
    EXPECT_EQ(plot_svg(plot, "a"), plot_svg(plot, "a")) << plot.title;
  }
}

TEST(Plot, SeveralFitIntoOnePage) {
  std::string page = "<div>";
  int number = 0;
  for (const Plot& plot : plots_of_all_kinds()) {
    page += plot_svg(plot, "plot" + std::to_string(++number));
    page += plot_svg(plot, "plot" + std::to_string(++number));
  }
  EXPECT_THAT(markup_problems(page + "</div>"), IsEmpty());
}

TEST(Plot, HasTitlesTicksAndALegend) {
  EXPECT_THAT(texts_of(plot_svg(line_plot(), "p"), "text"),
              IsSupersetOf({"sequence length n (tokens)", "time (ms)", "512", "1024", "2048", "10",
                            "100", "Transformer", "Linformer", "published"}));
  EXPECT_THAT(texts_of(plot_svg(bar_plot(), "p"), "text"),
              IsSupersetOf({"task", "SST-2", "QNLI", "accuracy (%)", "measured", "\u2013"}));
  EXPECT_THAT(texts_of(plot_svg(heat_map(), "p"), "text"),
              IsSupersetOf({"layer", "head", "share", "first", "h2", "0.25", "1.00", "\u2013"}));
}

TEST(Plot, PublishedValuesDifferByMoreThanColour) {
  const std::string lines = plot_svg(line_plot(), "p");
  // Open circles (point type 6, drawn as gpPt5) and a dashed line, in the colour of series 0.
  EXPECT_THAT(lines, HasSubstr("href=\"#p-gpPt5\" transform"));
  EXPECT_TRUE(std::regex_search(
      lines, std::regex("<path stroke=\"var\\(--plot-1,#0072b2\\)\" stroke-dasharray=")));
  // Series 0 has a filled circle, series 1 a filled square.
  EXPECT_THAT(lines, AllOf(HasSubstr("#p-gpPt6\" transform"), HasSubstr("#p-gpPt4\" transform")));
  LinePlot measured = std::get<LinePlot>(line_plot().content);
  measured.series.pop_back();
  EXPECT_THAT(
      plot_svg({"", "", measured}, "p"),
      Not(AnyOf(HasSubstr("#p-gpPt5\" transform"), HasSubstr("plot-1,#0072b2)\" stroke-d"))));
}

TEST(Plot, TakesThePagesColours) {
  const std::string svg = plot_svg(line_plot(), "p");
  EXPECT_THAT(svg, AllOf(HasSubstr("var(--plot-1,"), HasSubstr("var(--plot-2,"),
                         HasSubstr("var(--plot-grid,"), HasSubstr("fill=\"currentColor\"")));
  EXPECT_THAT(svg, Not(HasSubstr("rgb("))) << "a colour that no page can change";
  const std::string css = plot_css();
  EXPECT_THAT(css, AllOf(HasSubstr("--plot-1:#0072b2"), HasSubstr("prefers-color-scheme:dark"),
                         HasSubstr("--plot-grid:"), Not(HasSubstr("http"))));
  EXPECT_EQ(count(css, "--plot-" + std::to_string(num_plot_colors()) + ":"), 2u);
}

TEST(Plot, TextsComeOutLiterally) {
  const std::vector<std::string> nasty = {"a<b>c</b>",
                                          "&amp; & &#x41;",
                                          "'single' \"double\"",
                                          "back\\slash \\n \\t",
                                          "k_{1}^{2}",
                                          "a_b^c",
                                          "@x ~y |z|",
                                          "{/Symbol a} {/*2 b}",
                                          "100 % %d %s %.2f",
                                          "`id` $(id) $HOME",
                                          "#1 ! ; =1",
                                          "\xC3\xA9\xE2\x86\x92 \xF0\x9F\x98\x80",
                                          "EOD",
                                          "<script>x</script>",
                                          "a, b: c (d)",
                                          "]]> <!-- -->"};
  for (const std::string& name : nasty) {
    LinePlot lines;
    lines.x = {name};
    lines.y = {name + " y"};
    lines.series = {{name + " s", {1, 2}, {1, 2}}};
    const std::string svg = plot_svg({name, name, lines}, "p");
    EXPECT_THAT(markup_problems(svg), IsEmpty()) << name;
    EXPECT_THAT(texts_of(svg, "text"), IsSupersetOf({name, name + " y", name + " s"}));
    EXPECT_THAT(texts_of(svg, "title"), ElementsAre(name));
    BarPlot bars;
    bars.categories = {name};
    bars.series = {{name, {1}}};
    EXPECT_THAT(texts_of(plot_svg({"", "", bars}, "p"), "text"), Contains(HasSubstr(name)));
    HeatMap map;
    map.rows = map.columns = {name};
    map.values = {{1.0}};
    EXPECT_THAT(texts_of(plot_svg({"", "", map}, "p"), "text"), Contains(name));
  }
}

TEST(Plot, GapsBreakLinesAndBands) {
  LinePlot lines;
  const std::vector<double> y = {1, 2, kNan, 4, 5};
  lines.series = {{"s", {1, 2, 3, 4, 5}, y, {0, 1, kNan, 3, 4}, {2, 3, kNan, 5, 6}}};
  lines.series[0].markers = false;
  const std::string svg = plot_svg({"", "", lines}, "p");
  EXPECT_EQ(count(svg, "<polygon"), 2u);  // the band left and right of the gap
  EXPECT_TRUE(std::regex_search(svg, std::regex("d=\"M[^M\"]*M[^M\"]*M[^M\"]*\"")))
      << "one path: the legend's line and two stretches";
}

TEST(Plot, ALogarithmicAxisLeavesOutWhatIsNotPositive) {
  LinePlot lines;
  lines.y.scale = PlotScale::kLog10;
  lines.series = {{"s", {1, 2, 3, 4}, {1, 0, -5, 100}, {-1, 0, -6, 90}, {2, 1, 1, 110}}};
  EXPECT_THAT(texts_of(plot_svg({"", "", lines}, "p"), "text"), IsSupersetOf({"1", "10", "100"}));
  lines.series = {{"s", {1, 2}, {0, -1}}};
  EXPECT_THAT(plot_svg({"T", "", lines}, "p"), HasSubstr("No data: T"));
}

TEST(Plot, SaysThatThereIsNoData) {
  Plot plot = line_plot();
  auto& lines = std::get<LinePlot>(plot.content);
  lines.series.push_back({"later", {}, {}});
  EXPECT_THAT(texts_of(plot_svg(plot, "p"), "text"), Contains("later (no data)"));
  lines.series = {{"s", {1, 2}, {kNan, std::numeric_limits<double>::infinity()}}};
  EXPECT_THAT(texts_of(plot_svg(plot, "p"), "text"), ElementsAre("No data: Time over n"));
  BarPlot bars = std::get<BarPlot>(bar_plot().content);
  bars.series.push_back({"none", {kNan, kNan}});
  EXPECT_THAT(texts_of(plot_svg({"", "", bars}, "p"), "text"), Contains("none (no data)"));
  EXPECT_THAT(plot_svg({"B", "", BarPlot{}}, "p"), HasSubstr("No data: B"));
  EXPECT_THAT(plot_svg({"H", "", HeatMap{}}, "p"), HasSubstr("No data: H"));
}

TEST(Plot, DrawsWhatIsUnusual) {
  LinePlot lines;  // one point, and values that are all equal
  lines.x.scale = PlotScale::kLog2;
  lines.series = {{"one", {512}, {4}}};
  EXPECT_THAT(texts_of(plot_svg({"", "", lines}, "p"), "text"), Contains("512"));
  HeatMap map;
  map.rows = map.columns = {"1", "2"};
  map.values = {{0.5, 0.5}, {0.5, 0.5}};
  EXPECT_THAT(markup_problems(plot_svg({"", "", map}, "p")), IsEmpty());
  BarPlot bars;
  bars.categories = {"a long name of several words",
                     "Pneumonoultramicroscopicsilicovolcanoconiosis", "x", "y", "z"};
  bars.series = {{"s", {1e-9, -2e9, 0, 3, 4}}};
  EXPECT_THAT(texts_of(plot_svg({"", "", bars}, "p"), "text"), Contains(bars.categories[1]));
  for (const double end : {1e-320, 1e300, 1.7e308}) {
    lines.x.scale = PlotScale::kLinear;
    lines.series = {{"s", {-end, 0, end}, {end, 0, -end}}};
    try {
      EXPECT_THAT(markup_problems(plot_svg({"", "", lines}, "p")), IsEmpty());
    } catch (const RunError&) {
      // gnuplot may refuse numbers at the limits of a double, but nothing hangs or crashes.
    }
  }
  lines.series.clear();
  for (size_t s = 0; s < 2 * num_plot_colors() + 1; ++s) {
    lines.series.push_back(
        {"s" + std::to_string(s), {512, 1024}, {1.0 + static_cast<double>(s), 2}});
  }
  EXPECT_THAT(markup_problems(plot_svg({"", "", lines}, "p")), IsEmpty());
}

TEST(Plot, RefusesWrongCalls) {
  LinePlot lines;
  lines.series = {{"s", {1, 2}, {1}}};
  EXPECT_THROW(plot_svg({"", "", lines}, "p"), std::invalid_argument);
  lines.series = {{"s", {1, 2}, {1, 2}, {1}, {2, 3}}};
  EXPECT_THROW(plot_svg({"", "", lines}, "p"), std::invalid_argument);
  BarPlot bars;
  bars.categories = {"a"};
  bars.series = {{"s", {1, 2}}};
  EXPECT_THROW(plot_svg({"", "", bars}, "p"), std::invalid_argument);
  HeatMap map;
  map.rows = {"a"};
  EXPECT_THROW(plot_svg({"", "", map}, "p"), std::invalid_argument);
  for (const char* id : {"", "1a", "a b", "a\"b", "\xC3\xA9"}) {
    EXPECT_THROW(plot_svg(line_plot(), id), std::invalid_argument) << id;
  }
}

TEST(Plot, AMissingGnuplotIsNamedWithItsPackage) {
  require_plotter();
  const PathGuard path("");
  const std::string message = message_of<RunError>([] { require_plotter(); });
  EXPECT_THAT(message, AllOf(HasSubstr("gnuplot"), HasSubstr("apt-get install gnuplot-nox")));
  EXPECT_EQ(message_of<RunError>([] { plot_svg(line_plot(), "p"); }), message);
}

TEST(Plot, AFailureOfGnuplotGivesItsMessage) {
  const TemporaryFolder folder;
  const PathGuard path(folder.path() + ":" + std::getenv("PATH"));
  const auto message = [] { return message_of<RunError>([] { plot_svg(line_plot(), "p"); }); };
  write_program(folder.file("gnuplot"), "echo '  ^'; echo 'line 7: bad range' >&2; exit 3");
  EXPECT_THAT(message(),
              AllOf(HasSubstr("plot 'Time over n'"), HasSubstr("exit code 3: line 7: bad range")));
  write_program(folder.file("gnuplot"), "exit 0");
  EXPECT_THAT(message(), HasSubstr("it printed no message"));
  // The script names where the picture goes: set output 'PATH'.
  write_program(folder.file("gnuplot"),
                "echo '<svg>' >$(sed -n \"s/^set output '\\(.*\\)'$/\\1/p\" $2)");
  EXPECT_THAT(message(), HasSubstr("not a whole SVG"));
}

TEST(Plot, DoesNotDependOnTheUsersSettings) {
  const std::string expected = plot_svg(line_plot(), "p");
  const TemporaryFolder home;
  write_file_atomically(home.file(".gnuplot"), "set grid polar\nset title 'mine'\n");
  const char* before = std::getenv("HOME");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("HOME", home.path().c_str(), 1);
  ::setenv("LC_ALL", "de_DE.UTF-8", 1);
  EXPECT_EQ(plot_svg(line_plot(), "p"), expected);
  ::unsetenv("LC_ALL");
  if (before != nullptr) ::setenv("HOME", kept.c_str(), 1);
}

}  // namespace
}  // namespace linformer
