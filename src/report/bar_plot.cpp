#include <algorithm>
#include <sstream>
#include <vector>

#include "gnuplot.h"
#include "plot_axis.h"
#include "plot_kinds.h"
#include "plot_script.h"
#include "plot_style.h"

#include "linformer/report/plot.h"

namespace linformer {

namespace {

// -----------------------------------------------------------------------------------------

constexpr double kGroupWidth = 0.8;  // of a category

double bar_width(const BarPlot& plot) {
  return kGroupWidth / static_cast<double>(std::max<size_t>(1, plot.series.size()));
}

/// The middle of a bar; category c is at c.
double bar_place(const BarPlot& plot, size_t series, size_t category) {
  return static_cast<double>(category) - kGroupWidth / 2.0 +
         bar_width(plot) * (static_cast<double>(series) + 0.5);
}

bool has_bar(const BarPlot& plot, const BarSeries& series) {
  require_length(series.values, plot.categories.size(), Presence::kRequired);
  require_length(series.low, plot.categories.size(), Presence::kOptional);
  require_length(series.high, plot.categories.size(), Presence::kOptional);
  return std::any_of(series.values.begin(), series.values.end(),
                     [&](double value) { return is_drawn(plot.y, value); });
}

bool has_error_bar(const BarPlot& plot, const BarSeries& series, size_t category) {
  return !series.low.empty() && !series.high.empty() && is_drawn(plot.y, series.values[category]) &&
         is_drawn(plot.y, series.low[category]) && is_drawn(plot.y, series.high[category]);
}

/// Where bars start.
double base_of(const BarPlot& plot, const std::vector<double>& values) {
  if (plot.y.scale != PlotScale::kLinear) return log_range(plot.y, values, true).first;
  return plot.y.low.value_or(0.0);
}

std::string bar_data(const BarPlot& plot, size_t number, double base) {
  const double half = 0.46 * bar_width(plot);
  std::string lines;
  for (size_t c = 0; c < plot.categories.size(); ++c) {
    const double value = plot.series[number].values[c];
    if (!is_drawn(plot.y, value)) continue;
    const double middle = bar_place(plot, number, c);
    for (const double field : {middle, value, middle - half, middle + half, base, value}) {
      lines += gnuplot_number(field) + " ";
    }
    lines += "\n";
  }
  return lines;
}

std::string error_data(const BarPlot& plot, size_t number) {
  const BarSeries& series = plot.series[number];
  std::string lines;
  for (size_t c = 0; c < plot.categories.size(); ++c) {
    if (!has_error_bar(plot, series, c)) continue;
    for (const double field :
         {bar_place(plot, number, c), series.values[c], series.low[c], series.high[c]}) {
      lines += gnuplot_number(field) + " ";
    }
    lines += "\n";
  }
  return lines;
}

/// A dash at the foot of the place where a bar is missing.
std::string missing_bars(const BarPlot& plot, size_t number) {
  std::string labels;
  for (size_t c = 0; c < plot.categories.size(); ++c) {
    if (is_drawn(plot.y, plot.series[number].values[c])) continue;
    labels += "set label " + gnuplot_quoted("\u2013") + " at first " +
              gnuplot_number(bar_place(plot, number, c)) + ", graph 0.025 center\n";
  }
  return labels;
}

/// Measured bars are filled, each series with another hatching; published ones are hollow.
std::string bar_style(const BarSeries& series, size_t number) {
  constexpr int kPatterns[] = {3, 4, 5, 1, 7, 6};  // gnuplot's: solid, then hatched
  const SeriesLook look = series_look(series.color.value_or(number));
  const std::string color = color_clause(series_signal(look.color));
  const std::string fill = series.source == PlotSource::kPublished ? "empty"
                           : look.color == 0                       ? "solid 1.0"
                                             : "pattern " + std::to_string(kPatterns[look.color]);
  return "with boxxyerror " + color + " linewidth 1.5 fillstyle " + fill + " border " + color;
}

/// Words on lines of at most `width` characters; nothing if a word is longer.
std::vector<std::string> wrapped(const std::string& name, size_t width) {
  std::vector<std::string> lines(1);
  std::istringstream words(name);
  for (std::string word; words >> word;) {
    if (num_characters(word) > width) return {};
    const bool fits = num_characters(lines.back()) + 1 + num_characters(word) <= width;
    if (lines.back().empty()) {
      lines.back() = word;
    } else if (fits) {
      lines.back() += " " + word;
    } else {
      lines.push_back(word);
    }
  }
  return lines;
}

/// Names of categories are wrapped, or slanted if a word is too long for its place.
std::string category_ticks(const BarPlot& plot, int width) {
  constexpr double kLetterPixels = 8.0, kPlotShare = 0.85;  // of the picture's width
  const double slot = kPlotShare * width / static_cast<double>(plot.categories.size());
  std::string upright, slanted;
  bool fits = true;
  size_t most_lines = 1;
  for (size_t c = 0; c < plot.categories.size(); ++c) {
    const auto lines = wrapped(plot.categories[c], static_cast<size_t>(slot / kLetterPixels));
    fits = fits && !lines.empty();
    most_lines = std::max(most_lines, lines.size());
    std::string label;
    for (const std::string& line : lines)
      label += (label.empty() ? "" : "\\n") + gnuplot_text(line);
    const std::string place = " " + std::to_string(c), comma = c == 0 ? "" : ", ";
    upright += comma + "\"" + label + "\"" + place;
    slanted += comma + gnuplot_quoted(plot.categories[c]) + place;
  }
  if (!fits) return "set xtics (" + slanted + ") scale 0 rotate by 30 right\n";
  // gnuplot makes room for one line.
  std::string script = "set xtics (" + upright + ") scale 0\n";
  if (most_lines > 1) {
    script += "set bmargin " + gnuplot_number(2.5 + static_cast<double>(most_lines)) +
              "\nset xlabel offset 0,-" + std::to_string(most_lines - 1) + "\n";
  }
  return script;
}

}  // namespace

bool has_values(const BarPlot& plot) {
  bool found = false;  // every series is looked at, since lengths are checked too
  for (const BarSeries& series : plot.series) found = has_bar(plot, series) || found;
  return found;
}

std::string gnuplot_script(const BarPlot& plot, const PlotSize& size) {
  std::vector<double> heights;
  std::vector<std::string> names;
  for (size_t s = 0; s < plot.series.size(); ++s) {
    const BarSeries& series = plot.series[s];
    names.push_back(series.name);
    for (size_t c = 0; c < plot.categories.size(); ++c) {
      if (!is_drawn(plot.y, series.values[c])) continue;
      heights.push_back(series.values[c]);
      if (has_error_bar(plot, series, c)) heights.push_back(series.low[c]);
    }
  }
  const double base = base_of(plot, heights);
  std::string script = common_style(names) + axis_script(plot.y, 'y', heights, 0);
  if (plot.y.scale == PlotScale::kLinear && !plot.y.low) {
    script += "set yrange [*<0:" + (plot.y.high ? gnuplot_number(*plot.y.high) : "0<*") +
              "]\nset xzeroaxis linewidth 1 dashtype solid " + color_clause(text_signal()) + "\n";
  }
  script += "set grid noxtics\nset xlabel " + gnuplot_quoted(plot.category_title) + "\n" +
            category_ticks(plot, size.width) + "set xrange [-0.6:" +
            gnuplot_number(static_cast<double>(plot.categories.size()) - 0.4) + "]\n" +
            "set errorbars 0.7\n";
  std::vector<std::string> bars, errors;
  for (size_t s = 0; s < plot.series.size(); ++s) {
    const BarSeries& series = plot.series[s];
    script += missing_bars(plot, s);
    if (!has_bar(plot, series)) {
      bars.push_back("keyentry " + bar_style(series, s) +
                     title_clause(name_without_data(series.name)));
      continue;
    }
    script += data_block(data_name("bar", s), bar_data(plot, s, base));
    bars.push_back(data_name("bar", s) + " using 1:2:3:4:5:6 " + bar_style(series, s) +
                   title_clause(series.name));
    const std::string ends = error_data(plot, s);
    if (ends.empty()) continue;
    script += data_block(data_name("error", s), ends);
    errors.push_back(data_name("error", s) +
                     " using 1:2:3:4 with yerrorbars pointtype -1 linewidth 1.5 " +
                     color_clause(text_signal()) + " notitle");
  }
  bars.insert(bars.end(), errors.begin(), errors.end());
  return script + plot_command(bars);
}

}  // namespace linformer
