#include <algorithm>
#include <cmath>
#include <vector>

#include "gnuplot.h"
#include "plot_axis.h"
#include "plot_kinds.h"
#include "plot_script.h"
#include "plot_style.h"

#include "linformer/report/plot.h"

namespace linformer {

namespace {

// ----------------------------------------------------------------------------------------

bool is_point(const LinePlot& plot, const LineSeries& series, size_t i) {
  return is_drawn(plot.x, series.x[i]) && is_drawn(plot.y, series.y[i]);
}

bool has_point(const LinePlot& plot, const LineSeries& series) {
  require_length(series.y, series.x.size(), Presence::kRequired);
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (is_point(plot, series, i)) return true;
  }
  return false;
}

bool has_band(const LineSeries& series) {
  require_length(series.low, series.x.size(), Presence::kOptional);
  require_length(series.high, series.x.size(), Presence::kOptional);
  return !series.low.empty() && !series.high.empty();
}

/// An empty line in place of a gap, which ends the line.
std::string line_data(const LinePlot& plot, const LineSeries& series) {
  std::string lines;
  for (size_t i = 0; i < series.x.size(); ++i) {
    lines += is_point(plot, series, i)
                 ? gnuplot_number(series.x[i]) + " " + gnuplot_number(series.y[i]) + "\n"
                 : "\n";
  }
  return lines;
}

/// The stretches of the band without a gap. A low end that is not drawn on a logarithmic axis
/// reaches down to `bottom`.
std::vector<std::string> band_data(const LinePlot& plot, const LineSeries& series, double bottom) {
  std::vector<std::string> stretches(1);
  for (size_t i = 0; i < series.x.size(); ++i) {
    const bool drawn = is_drawn(plot.x, series.x[i]) && is_drawn(plot.y, series.high[i]) &&
                       std::isfinite(series.low[i]);
    if (drawn) {
      const double low = is_drawn(plot.y, series.low[i]) ? series.low[i] : bottom;
      stretches.back() += gnuplot_number(series.x[i]) + " " + gnuplot_number(low) + " " +
                          gnuplot_number(series.high[i]) + "\n";
    } else if (!stretches.back().empty()) {
      stretches.emplace_back();
    }
  }
  if (stretches.back().empty()) stretches.pop_back();
  return stretches;
}

std::string line_style(const LineSeries& series, size_t number) {
  const SeriesLook look = series_look(series.color.value_or(number));
  const bool published = series.source == PlotSource::kPublished;
  std::string style = color_clause(series_signal(look.color)) +
                      (published ? " linewidth 1.5 dashtype (8,5)" : " linewidth 2");
  if (!series.markers) return "with lines " + style;
  // About ten markers are enough to follow a line.
  const size_t interval = std::max<size_t>(1, series.x.size() / 10);
  return "with linespoints " + style + " pointtype " +
         std::to_string(published ? look.open_marker : look.filled_marker) +
         " pointsize 0.8 pointinterval " + std::to_string(interval);
}

/// All values along an axis, from which its range follows.
std::vector<double> drawn_values(const LinePlot& plot, bool along_y) {
  std::vector<double> values;
  for (const LineSeries& series : plot.series) {
    for (size_t i = 0; i < series.x.size(); ++i) {
      if (!is_point(plot, series, i)) continue;
      values.push_back(along_y ? series.y[i] : series.x[i]);
      if (!along_y || !has_band(series)) continue;
      values.push_back(series.low[i]);
      values.push_back(series.high[i]);
    }
  }
  return values;
}

}  // namespace

bool has_values(const LinePlot& plot) {
  bool found = false;  // every series is looked at, since lengths are checked too
  for (const LineSeries& series : plot.series) found = has_point(plot, series) || found;
  return found;
}

std::string gnuplot_script(const LinePlot& plot, const PlotSize& size) {
  const std::vector<double> heights = drawn_values(plot, true);
  std::vector<std::string> names;
  for (const LineSeries& series : plot.series) names.push_back(series.name);
  std::string script = common_style(names) +
                       axis_script(plot.x, 'x', drawn_values(plot, false), size.width - 100) +
                       axis_script(plot.y, 'y', heights, 0);
  const double bottom =
      plot.y.scale == PlotScale::kLinear ? 0.0 : log_range(plot.y, heights, true).first;
  std::vector<std::string> bands, lines;
  for (size_t s = 0; s < plot.series.size(); ++s) {
    const LineSeries& series = plot.series[s];
    const SeriesLook look = series_look(series.color.value_or(s));
    if (!has_point(plot, series)) {
      lines.push_back("keyentry " + line_style(series, s) +
                      title_clause(name_without_data(series.name)));
      continue;
    }
    if (has_band(series)) {
      for (const std::string& stretch : band_data(plot, series, bottom)) {
        const std::string name = data_name("band", bands.size());
        script += data_block(name, stretch);
        bands.push_back(name + " using 1:2:3 with filledcurves " +
                        color_clause(series_signal(look.color)) +
                        " fillstyle transparent solid 0.2 noborder notitle");
      }
    }
    script += data_block(data_name("line", s), line_data(plot, series));
    lines.push_back(data_name("line", s) + " using 1:2 " + line_style(series, s) +
                    title_clause(series.name));
  }
  bands.insert(bands.end(), lines.begin(), lines.end());  // lines over bands
  return script + plot_command(bands);
}

}  // namespace linformer
