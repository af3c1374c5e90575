#pragma once

#include <string>
#include <vector>

#include "linformer/report/plot.h"
#include "linformer/report/run_folder.h"

namespace linformer {

/// At most 240 points, each the mean of the neighbours that it stands for, so that a page of a long
/// run stays small.
RunCurve thinned(const RunCurve& curve);

/// One value of a run as a line of a plot; metrics of tasks in percent.
LineSeries run_series(const std::string& name, const std::vector<LogRecord>& lines,
                      const std::string& x, const std::string& y);

/// What is drawn of runs: a title, an axis, and the lines of the log that have it.
struct RunPlotKind {
  std::string title, axis;
  std::string value;      ///< its name in log.jsonl
  bool held_out = false;  ///< of evaluations, else of training
  PlotScale scale = PlotScale::kLinear;
};

/// Loss, score, learning rate and speed, as a run of this kind has them.
std::vector<RunPlotKind> run_plot_kinds(const RunFolder& run);

/// Half a page wide, over "step" or "tokens".
Plot half_width_plot(const std::string& title, const std::string& x, const PlotAxis& y,
                     std::vector<LineSeries> series);

/// "accuracy" for "valid_accuracy".
std::string score_label(const std::string& name);

/// The axis of steps or tokens that these series share. Tokens become thousands or millions where
/// there are many, in the series too, so that numbers along the axis stay short.
PlotAxis progress_axis(const std::string& x, std::vector<LineSeries>& series);

}  // namespace linformer
