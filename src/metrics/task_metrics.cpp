#include "linformer/metrics/task_metrics.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/metrics/classification.h"
#include "linformer/metrics/correlation.h"

namespace linformer {

namespace {

std::string where(Metric metric) {
  return "metric " + std::string(name_of(metric));
}

std::vector<int64_t> classes_of(Metric metric, std::span<const double> values, const char* kind) {
  std::vector<int64_t> classes;
  classes.reserve(values.size());
  for (const double value : values) {
    // A number above 2^20 is not a class; counts of all pairs of classes would not fit into memory.
    if (!(value >= 0.0 && value <= 1048576.0) || value != std::floor(value)) {
      fail_run(where(metric),
               std::string(kind) + " " + std::to_string(classes.size()) + " is " +
                   format_number(value, 9) + ", not a class",
               "use pearson or spearman for scores; leave out rows without label");
    }
    classes.push_back(static_cast<int64_t>(value));
  }
  return classes;
}

double class_metric(Metric metric, const ConfusionCounts& counts) {
  switch (metric) {
    case Metric::kF1:
      if (counts.num_classes() > 2) {
        fail_run(where(metric),
                 "is of class 1 against class 0, and there are " +
                     std::to_string(counts.num_classes()) + " classes",
                 "use macro_f1, accuracy or mcc");
      }
      return counts.f1(1);
    case Metric::kMcc:
      return counts.matthews_correlation();
    case Metric::kMacroF1:
      return counts.macro_f1();
    default:
      return counts.accuracy();
  }
}

std::vector<double> doubles(std::span<const float> values) {
  return {values.begin(), values.end()};
}

}  // namespace

double metric_value(Metric metric, std::span<const double> predictions,
                    std::span<const double> targets) {
  if (metric == Metric::kPearson) return pearson_correlation(predictions, targets);
  if (metric == Metric::kSpearman) return spearman_correlation(predictions, targets);
  return class_metric(metric, ConfusionCounts(classes_of(metric, predictions, "prediction"),
                                              classes_of(metric, targets, "target")));
}

std::vector<MetricValue> metric_values(std::span<const Metric> metrics,
                                       std::span<const double> predictions,
                                       std::span<const double> targets) {
  std::vector<MetricValue> values;
  for (const Metric metric : metrics)
    values.push_back({std::string(name_of(metric)), metric_value(metric, predictions, targets)});
  return values;
}

std::vector<MetricValue> metric_values(std::span<const Metric> metrics,
                                       std::span<const float> predictions,
                                       std::span<const float> targets) {
  const std::vector<double> wide_predictions = doubles(predictions);
  const std::vector<double> wide_targets = doubles(targets);
  return metric_values(metrics, std::span<const double>(wide_predictions),
                       std::span<const double>(wide_targets));
}

double majority_baseline(Metric metric, std::span<const double> targets) {
  if (is_of_scores(metric)) return std::numeric_limits<double>::quiet_NaN();
  const std::vector<int64_t> labels = classes_of(metric, targets, "target");
  const std::vector<int64_t> constant(labels.size(), majority_class(labels));
  return class_metric(metric, ConfusionCounts(constant, labels));
}

double majority_baseline(Metric metric, std::span<const float> targets) {
  const std::vector<double> wide = doubles(targets);
  return majority_baseline(metric, std::span<const double>(wide));
}

}  // namespace linformer
