#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace linformer {

// Colours and marker shapes of plots. gnuplot gets a signal colour for each role, which
// svg_rewriter.h replaces by a variable of the page, so that light, dark and printed pages differ.

struct Rgb {
  int red, green, blue;
  bool operator==(const Rgb&) const = default;
};

/// "#0072b2"
std::string hex_color(const Rgb& color);

Rgb series_signal(size_t color);  ///< color < num_plot_colors()
Rgb grid_signal();
Rgb text_signal();

/// "var(--plot-1,#0072b2)" for a signal colour, otherwise nothing.
std::optional<std::string> page_color(const Rgb& signal);

/// The colour and marker shape of series number `number`. After all colours are used, they come
/// again with other shapes.
struct SeriesLook {
  size_t color;
  int filled_marker, open_marker;  ///< gnuplot's "pointtype"
};
SeriesLook series_look(size_t number);

/// The colours of heat maps from the lowest value to the highest (viridis: brighter with the value,
/// for every colour vision and in grey).
const std::vector<Rgb>& heat_colors();

/// Black or white, whichever is easier to read on the colour of `share` (0 lowest, 1 highest).
Rgb heat_text_color(double share);

}  // namespace linformer
