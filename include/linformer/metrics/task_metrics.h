#pragma once

#include <span>
#include <string>
#include <vector>

#include "linformer/config/metric.h"

namespace linformer {

struct MetricValue {
  std::string name;
  double value = 0.0;

  bool operator==(const MetricValue&) const = default;
};

/// One metric of predictions against targets. Metrics of classes take class indices (whole numbers
/// from 0); pearson and spearman take scores. Values are in [0, 1] or [-1, 1], never percent.
/// Throws RunError without rows, for a class that is not an index (NaN: a row without label), and
/// for f1 with a class above 1.
double metric_value(Metric metric, std::span<const double> predictions,
                    std::span<const double> targets);

/// Several metrics, named as in configuration files.
std::vector<MetricValue> metric_values(std::span<const Metric> metrics,
                                       std::span<const double> predictions,
                                       std::span<const double> targets);
std::vector<MetricValue> metric_values(std::span<const Metric> metrics,
                                       std::span<const float> predictions,
                                       std::span<const float> targets);

/// The metric's value if the most frequent class of `targets` is always predicted. NaN for metrics
/// of scores, since a constant has no correlation.
double majority_baseline(Metric metric, std::span<const double> targets);
double majority_baseline(Metric metric, std::span<const float> targets);

}  // namespace linformer
