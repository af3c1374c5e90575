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

/// One metric of predictions against targets: class indices (whole numbers from 0) for metrics of
/// classes, scores for pearson and spearman. Values in [0, 1] or [-1, 1], never percent. Throws
/// RunError without rows, for a class that is no index (NaN: a row without label), and for f1 with
/// a class above 1.
double metric_value(Metric metric, std::span<const double> predictions,
                    std::span<const double> targets);

/// Several, named as in configuration files.
std::vector<MetricValue> metric_values(std::span<const Metric> metrics,
                                       std::span<const double> predictions,
                                       std::span<const double> targets);
std::vector<MetricValue> metric_values(std::span<const Metric> metrics,
                                       std::span<const float> predictions,
                                       std::span<const float> targets);

/// What always predicting the most frequent class of `targets` reaches; NaN for metrics of scores,
/// where a constant has no correlation.
double majority_baseline(Metric metric, std::span<const double> targets);
double majority_baseline(Metric metric, std::span<const float> targets);

}  // namespace linformer
