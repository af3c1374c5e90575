#include "linformer/report/plot.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <variant>

#include "gnuplot.h"
#include "plot_kinds.h"
#include "svg_rewriter.h"

#include "linformer/report/html_text.h"

namespace linformer {

namespace {

bool is_id(const std::string& id) {
  const auto letter = [](unsigned char c) { return c < 0x80 && std::isalpha(c); };
  const auto inside = [&](unsigned char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !id.empty() && letter(static_cast<unsigned char>(id.front())) &&
         std::all_of(id.begin(), id.end(), inside);
}

/// A frame that says that there is nothing to draw.
std::string placeholder(const Plot& plot, const std::string& id) {
  const int height = std::min(plot.height, 120);
  const std::string middle = std::to_string(plot.width / 2);
  return svg_head(plot.width, height, id, plot.title, "No data. " + plot.description) +
         "<rect x=\"1\" y=\"1\" width=\"" + std::to_string(plot.width - 2) + "\" height=\"" +
         std::to_string(height - 2) +
         "\" fill=\"none\" stroke=\"currentColor\" stroke-dasharray=\"6 4\" opacity=\"0.5\"/>\n"
         "<text x=\"" +
         middle + "\" y=\"" + std::to_string(height / 2 + 5) +
         "\" text-anchor=\"middle\" font-size=\"14\" fill=\"currentColor\">" +
         html_escape("No data: " + plot.title) + "</text>\n</svg>\n";
}

}  // namespace

std::string plot_svg(const Plot& plot, const std::string& id) {
  if (!is_id(id)) throw std::invalid_argument("no id of a plot: '" + id + "'");
  const PlotSize size{plot.width, plot.height};
  if (!std::visit([](const auto& content) { return has_values(content); }, plot.content)) {
    return placeholder(plot, id);
  }
  const std::string script =
      std::visit([&](const auto& content) { return gnuplot_script(content, size); }, plot.content);
  return rewritten_svg(run_gnuplot(script, plot.width, plot.height, plot.title),
                       svg_head(plot.width, plot.height, id, plot.title, plot.description), id);
}

void require_plotter(const std::string& otherwise) {
  find_gnuplot(otherwise);
}

}  // namespace linformer
