#pragma once

#include <string>
#include <utility>
#include <vector>

#include "linformer/report/plot.h"

namespace linformer {

/// Whether a value is drawn on the axis: finite, and positive on a logarithmic one.
bool is_drawn(const PlotAxis& axis, double value);

/// A range that holds the values with a margin around them; `to_ticks`: up to the next ticks
/// instead, as for a vertical axis. For logarithmic axes; `values` has a value that is drawn.
std::pair<double, double> log_range(const PlotAxis& axis, const std::vector<double>& values,
                                    bool to_ticks);

/// The ticks of a logarithmic axis: powers of 2, or of 10 with 2 and 5 between them if they are
/// few. At most about 12.
std::vector<double> log_ticks(PlotScale scale, double low, double high);

/// "512", "0.001", "1e7"
std::string tick_label(double value);

/// The distance 1, 2 or 5 times a power of 10 of ticks from `low` to `high` on a linear axis of
/// `pixels`, so that their labels do not touch. `low` below `high`.
double linear_step(double low, double high, int pixels);

/// gnuplot's commands for the axis `letter` ("x", "y"): title, scale, range, ticks. `values`: all
/// that are drawn along it. `pixels`: of its length, if labels stand side by side along it; else 0.
std::string axis_script(const PlotAxis& axis, char letter, const std::vector<double>& values,
                        int pixels);

}  // namespace linformer
