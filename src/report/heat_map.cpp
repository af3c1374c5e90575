#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "gnuplot.h"
#include "plot_axis.h"
#include "plot_kinds.h"
#include "plot_script.h"
#include "plot_style.h"

#include "linformer/core/format.h"
#include "linformer/report/plot.h"

namespace linformer {

namespace {

// ------------------------------------------------------------------------------------

std::pair<double, double> heat_range(const HeatMap& map) {
  double low = INFINITY, high = -INFINITY;
  for (const auto& row : map.values) {
    for (const double value : row) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  low = map.low.value_or(low);
  high = map.high.value_or(high);
  if (!(low < high)) return {low - 0.5, low + 0.5};  // one colour, with a scale around it
  return {low, high};
}

void require_matrix(const HeatMap& map) {
  bool fits = map.values.size() == map.rows.size();
  for (const auto& row : map.values) fits = fits && row.size() == map.columns.size();
  if (!fits) throw std::invalid_argument("a heat map needs a value for each row and column");
}

std::string heat_palette() {
  std::string list;
  const std::vector<Rgb>& colors = heat_colors();
  for (size_t i = 0; i < colors.size(); ++i) {
    list += (i == 0 ? "" : ", ") + std::to_string(i) + " '" + hex_color(colors[i]) + "'";
  }
  return "set palette defined (" + list + ") maxcolors 64\n";
}

/// Ticks of every n-th name, so that at most `most` are there.
std::string name_ticks(char letter, const std::vector<std::string>& names, size_t most) {
  const size_t step = (names.size() + most - 1) / std::max<size_t>(1, most);
  std::string list;
  for (size_t i = 0; i < names.size(); i += std::max<size_t>(1, step)) {
    list += (list.empty() ? "" : ", ") + gnuplot_quoted(names[i]) + " " + std::to_string(i);
  }
  return std::string("set ") + letter + "tics (" + list + ") scale 0\n";
}

std::string cell_data(const HeatMap& map) {
  std::string lines;
  for (size_t r = 0; r < map.rows.size(); ++r) {
    for (size_t c = 0; c < map.columns.size(); ++c) {
      if (!std::isfinite(map.values[r][c])) continue;
      const auto x = static_cast<double>(c), y = static_cast<double>(r);
      for (const double field : {x, y, x - 0.5, x + 0.5, y - 0.5, y + 0.5, map.values[r][c]}) {
        lines += gnuplot_number(field) + " ";
      }
      lines += "\n";
    }
  }
  return lines;
}

std::string cell_labels(const HeatMap& map, int font_size) {
  const auto [low, high] = heat_range(map);
  std::string labels;
  for (size_t r = 0; r < map.rows.size(); ++r) {
    for (size_t c = 0; c < map.columns.size(); ++c) {
      const double value = map.values[r][c];
      const bool known = std::isfinite(value);
      labels += "set label " +
                gnuplot_quoted(known ? format_fixed(value, map.decimals) : "\u2013") + " at " +
                std::to_string(c) + ", " + std::to_string(r) + " center front font '," +
                std::to_string(font_size) + "'";
      if (known) {
        labels +=
            " textcolor rgb '" + hex_color(heat_text_color((value - low) / (high - low))) + "'";
      }
      labels += "\n";
    }
  }
  return labels;
}

/// Pixels of the letters in the cells; 0 if they would be too small.
int cell_font_size(const HeatMap& map, const PlotSize& size) {
  size_t longest = 1;
  for (const auto& row : map.values) {
    for (const double value : row) {
      longest = std::max(longest, format_fixed(value, map.decimals).size());
    }
  }
  // Without the margins of axes, titles and the colour bar; a digit is about 0.6 of its height.
  const double cell_width = (size.width - 190.0) / static_cast<double>(map.columns.size());
  const double cell_height = (size.height - 80.0) / static_cast<double>(map.rows.size());
  const double letters =
      std::min({13.0, 0.9 * cell_width / (0.6 * static_cast<double>(longest)), 0.75 * cell_height});
  return letters < 8.0 ? 0 : static_cast<int>(letters);
}

}  // namespace

bool has_values(const HeatMap& map) {
  require_matrix(map);
  for (const auto& row : map.values) {
    for (const double value : row) {
      if (std::isfinite(value)) return true;
    }
  }
  return false;
}

std::string gnuplot_script(const HeatMap& map, const PlotSize& size) {
  const auto [low, high] = heat_range(map);
  const int font_size = cell_font_size(map, size);
  return "unset key\nset border 0\nset colorbox\nset cbtics scale 0\n" + heat_palette() +
         "set xlabel " + gnuplot_quoted(map.column_title) + "\nset ylabel " +
         gnuplot_quoted(map.row_title) + "\nset cblabel " + gnuplot_quoted(map.value_title) +
         "\nset cbrange [" + gnuplot_number(low) + ":" + gnuplot_number(high) +
         "]\nset xrange [-0.5:" + gnuplot_number(static_cast<double>(map.columns.size()) - 0.5) +
         "]\nset yrange [" + gnuplot_number(static_cast<double>(map.rows.size()) - 0.5) +
         ":-0.5]\n" + name_ticks('x', map.columns, 24) + name_ticks('y', map.rows, 24) +
         (font_size > 0 ? cell_labels(map, font_size) : "") + data_block("$cells", cell_data(map)) +
         "plot $cells using 1:2:3:4:5:6:7 with boxxyerror linecolor palette fillstyle solid 1.0 "
         "noborder notitle\n";
}

}  // namespace linformer
