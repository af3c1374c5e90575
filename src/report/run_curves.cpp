#include "run_curves.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "linformer/metrics/percent.h"

namespace linformer {

namespace {

constexpr size_t kMostPoints = 240;
constexpr int kHalfWidth = 480, kHeight = 320;

}  // namespace

RunCurve thinned(const RunCurve& curve) {
  const size_t count = curve.x.size();
  if (count <= kMostPoints) return curve;
  RunCurve thin;
  for (size_t i = 0; i < kMostPoints; ++i) {
    const size_t begin = i * count / kMostPoints, end = (i + 1) * count / kMostPoints;
    double x = 0.0, y = 0.0;
    for (size_t j = begin; j < end; ++j) {
      x += curve.x[j];
      y += curve.y[j];  // NaN makes the point a gap
    }
    const auto size = static_cast<double>(end - begin);
    thin.x.push_back(x / size);
    thin.y.push_back(y / size);
  }
  return thin;
}

LineSeries run_series(const std::string& name, const std::vector<LogRecord>& lines,
                      const std::string& x, const std::string& y) {
  RunCurve curve = thinned(curve_of(lines, x, y));
  LineSeries series{name, std::move(curve.x), std::move(curve.y)};
  if (is_percent(y)) {
    for (double& value : series.y) value *= 100.0;
  }
  return series;
}

std::string score_label(const std::string& name) {
  constexpr std::string_view kPrefix = "valid_";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

std::vector<RunPlotKind> run_plot_kinds(const RunFolder& run) {
  const bool pretraining = run.kind == RunKind::kPretraining;
  const std::string unit = pretraining ? "loss (nats per masked token)" : "loss (nats)";
  std::vector<RunPlotKind> kinds{{"Training loss", unit, "loss", false}};
  if (!run.evaluations.empty()) {
    kinds.push_back({"Held-out loss", unit, "valid_loss", true});
    const std::string score = pretraining ? "valid_perplexity" : run.best ? run.best->name : "";
    if (pretraining) {
      kinds.push_back({"Held-out perplexity", "perplexity", score, true, PlotScale::kLog2});
    } else if (!score.empty() && score != "valid_loss") {
      const std::string unit_of_score = is_percent(score) ? " (%)" : "";
      kinds.push_back(
          {"Held-out " + score_label(score), score_label(score) + unit_of_score, score, true});
    }
  }
  kinds.push_back({"Learning rate", "learning rate", "learning_rate", false});
  kinds.push_back({"Speed", "tokens per second", "tokens_per_second", false});
  return kinds;
}

Plot half_width_plot(const std::string& title, const std::string& x, const PlotAxis& y,
                     std::vector<LineSeries> series) {
  const PlotAxis axis = progress_axis(x, series);
  Plot plot;
  plot.title = title;
  plot.description = y.title + " over " + axis.title;
  plot.content = LinePlot{axis, y, std::move(series)};
  plot.width = kHalfWidth;
  plot.height = kHeight;
  return plot;
}

PlotAxis progress_axis(const std::string& x, std::vector<LineSeries>& series) {
  PlotAxis axis;
  axis.title = "steps";
  axis.low = 0.0;
  if (x != "tokens") return axis;
  constexpr double kThousand = 1e3, kMillion = 1e6;
  double largest = 0.0;
  for (const LineSeries& one : series) {
    for (const double value : one.x) largest = std::max(largest, value);
  }
  const double unit = largest >= kMillion ? kMillion : largest >= kThousand ? kThousand : 1.0;
  axis.title = unit == kMillion    ? "million tokens read"
               : unit == kThousand ? "thousand tokens read"
                                   : "tokens read";
  for (LineSeries& one : series) {
    for (double& value : one.x) value /= unit;
  }
  return axis;
}

}  // namespace linformer
