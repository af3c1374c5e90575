#include "plot_script.h"

#include <algorithm>
#include <stdexcept>

#include "gnuplot.h"

namespace linformer {

std::string common_style(const std::vector<std::string>& names) {
  // gnuplot takes a letter as wider than it is, by more than a seventh: entries would be far apart.
  size_t longest = 0;
  for (const std::string& name : names) longest = std::max(longest, num_characters(name));
  return "set border 3 linewidth 1\n"
         "set tics nomirror out scale 0.5\n"
         "set grid linewidth 1 dashtype solid " +
         color_clause(grid_signal()) +
         "\n"
         "set grid back\n"
         "set key tmargin left horizontal Left reverse samplen 3 spacing 1.1 width -" +
         std::to_string(longest / 7) + "\n";
}

std::string color_clause(const Rgb& color) {
  return "linecolor rgb '" + hex_color(color) + "'";
}

std::string title_clause(const std::string& name) {
  return name.empty() ? " notitle" : " title " + gnuplot_quoted(name);
}

std::string name_without_data(const std::string& name) {
  return name.empty() ? "" : name + " (no data)";
}

std::string data_name(const std::string& kind, size_t number) {
  return "$" + kind + std::to_string(number);
}

std::string data_block(const std::string& name, const std::string& lines) {
  return name + " << EOD\n" + lines + "EOD\n";
}

std::string plot_command(const std::vector<std::string>& parts) {
  std::string command = "plot";
  for (size_t i = 0; i < parts.size(); ++i) command += (i == 0 ? " " : ", \\\n     ") + parts[i];
  return command + "\n";
}

void require_length(const std::vector<double>& values, size_t length, Presence presence) {
  const bool left_out = presence == Presence::kOptional && values.empty();
  if (values.size() != length && !left_out)
    throw std::invalid_argument("a series of a plot has lists of different lengths");
}

}  // namespace linformer
