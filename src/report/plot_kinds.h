#pragma once

#include <string>

#include "linformer/report/plot.h"

namespace linformer {

// What differs between kinds of plots; each has a source of its own.

struct PlotSize {
  int width, height;  ///< pixels
};

/// Whether a value would be seen. Throws std::invalid_argument for lengths that differ.
bool has_values(const LinePlot& plot);
bool has_values(const BarPlot& plot);
bool has_values(const HeatMap& map);

/// The commands for gnuplot that draw a plot that has values.
std::string gnuplot_script(const LinePlot& plot, const PlotSize& size);
std::string gnuplot_script(const BarPlot& plot, const PlotSize& size);
std::string gnuplot_script(const HeatMap& map, const PlotSize& size);

}  // namespace linformer
