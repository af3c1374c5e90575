#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace linformer {

// Plain descriptions of plots, and their SVG, drawn by gnuplot (docs/decisions/0012).
//
// Texts are plain UTF-8 and come out literally. Bytes that are no UTF-8, and control characters,
// become U+FFFD. A value that is not finite, or not positive on a logarithmic axis, is a gap.

/// What a value is. Published values are drawn dashed, with open markers or hollow bars.
enum class PlotSource { kMeasured, kPublished };

/// A logarithmic axis has its ticks at powers of 2 (512, 1024, 2048) or at powers of 10.
enum class PlotScale { kLinear, kLog2, kLog10 };

struct PlotAxis {
  std::string title;  ///< with the unit: "sequence length n (tokens)"
  PlotScale scale = PlotScale::kLinear;
  /// The range; without one it follows from the data.
  std::optional<double> low = {}, high = {};
};

/// A line through points, in the order given.
struct LineSeries {
  std::string name;               ///< in the legend; empty = not there
  std::vector<double> x, y;       ///< of one length
  std::vector<double> low = {};   ///< a band around the line, drawn if both have the length of x
  std::vector<double> high = {};  ///< ditto
  PlotSource source = PlotSource::kMeasured;
  /// The colour and marker shape, from 0, repeated after num_plot_colors(). Without it, the number
  /// of the series. Give a measured series and its published twin the same one.
  std::optional<size_t> color = {};
  /// Long series have markers on some points only. False for a reference line.
  bool markers = true;
};

struct LinePlot {
  PlotAxis x, y;
  std::vector<LineSeries> series;
};

/// One bar in each category.
struct BarSeries {
  std::string name;
  std::vector<double> values;               ///< as many as categories
  std::vector<double> low = {}, high = {};  ///< ends of the error bars; empty, or as many as values
  PlotSource source = PlotSource::kMeasured;
  std::optional<size_t> color = {};  ///< as for lines
};

/// Bars beside each other in each category. They start at 0 unless the axis has a low end.
struct BarPlot {
  std::string category_title;
  std::vector<std::string> categories;
  PlotAxis y;
  std::vector<BarSeries> series;
};

/// A matrix of coloured cells with their values, e.g. layers x heads. The first row is at the top.
struct HeatMap {
  std::string row_title, column_title, value_title;
  std::vector<std::string> rows, columns;
  std::vector<std::vector<double>> values;  ///< [row][column]
  int decimals = 2;                         ///< of the values in the cells
  /// The range of the colours; without one, that of the values.
  std::optional<double> low = {}, high = {};
};

struct Plot {
  std::string title;  ///< for screen readers and tooltips; the page's caption is drawn instead
  std::string description;  ///< for screen readers: what is to be seen
  std::variant<LinePlot, BarPlot, HeatMap> content;
  int width = 720, height = 440;  ///< pixels of a wide screen; narrower ones scale it
};

/// An <svg> element for an HTML page (HTML5's syntax, also well-formed XML), with role="img",
/// <title> and <desc>. It has no script and refers to nothing outside. Its ids start with `id` (a
/// letter, then letters, digits, "-" and "_"), so that several fit into one page. Text, axes and
/// grid take the colours of the page; series take those of plot_css(), or the light ones without
/// it. The same plot gives the same bytes on one version of gnuplot. Without a value to draw it is
/// a placeholder that says so. Throws std::invalid_argument for lengths that differ or a wrong id,
/// RunError if gnuplot is missing or fails.
std::string plot_svg(const Plot& plot, const std::string& id);

/// The CSS of all plots of a page: colours in light mode, in dark mode and in print.
std::string plot_css();

/// Colours that a reader with any colour vision separates; each has its own marker shape.
size_t num_plot_colors();

/// Throws RunError with the fix if gnuplot is not on the PATH; `otherwise` is another fix. To be
/// called before hours of runs.
void require_plotter(const std::string& otherwise = "");

}  // namespace linformer
