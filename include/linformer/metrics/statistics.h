#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linformer/config/metric.h"

namespace linformer {

/// Of values that are all finite; NaN where there are too few, as said for each.
double mean_of(std::span<const double> values);  ///< NaN without values
/// The middle one, or the mean of the middle two; NaN without values.
double median_of(std::span<const double> values);
/// With n - 1 below the sum of squares; NaN for fewer than two values.
double sample_standard_deviation(std::span<const double> values);
/// The value below which `percent` of 100 lie, interpolated linearly between the sorted values at
/// (n - 1) percent / 100 (NumPy's default). NaN without values; 0 <= percent <= 100.
double percentile_of(std::span<const double> values, double percent);

struct BootstrapOptions {
  int64_t num_resamples = 2000;
  double confidence = 0.95;
  uint64_t seed = 1;
};

/// A difference a - b and its percentile interval (Efron 1979). An interval that holds 0 says that
/// the data does not tell the two apart.
struct DifferenceInterval {
  double difference = 0.0;
  double low = 0.0;
  double high = 0.0;
};

/// Of a metric between two models' predictions for the same rows. Each resample draws rows with
/// replacement and takes them for both models (paired), from a random stream of (seed, number of
/// the resample). Resamples where the metric is undefined are left out; all NaN where it is
/// undefined for the rows as they are. Throws RunError as metric_value() does.
DifferenceInterval bootstrap_difference(Metric metric, std::span<const double> predictions_a,
                                        std::span<const double> predictions_b,
                                        std::span<const double> targets,
                                        const BootstrapOptions& options = {});

/// Of the mean of a metric over several runs (seeds) of two models, all on the same rows. Each
/// resample draws rows, the same for all runs, and runs of each model on their own, so that the
/// interval covers both what the test set and what the seed happens to be. With one run each it is
/// bootstrap_difference(). All NaN where a model has no run or the metric of a run is undefined.
DifferenceInterval bootstrap_difference_of_runs(Metric metric,
                                                std::span<const std::vector<double>> runs_a,
                                                std::span<const std::vector<double>> runs_b,
                                                std::span<const double> targets,
                                                const BootstrapOptions& options = {});

/// One fold of a cross-validation: what two models predicted for its rows.
struct PairedFold {
  std::vector<double> predictions_a, predictions_b, targets;
};

/// Of the mean of a metric over the folds. Each resample draws folds, and rows within each of them,
/// the same for both models: folds differ more from each other than models do. That the training
/// sets of folds overlap is not covered (Bengio & Grandvalet 2004: no unbiased estimate of it
/// exists). All NaN without folds or where the metric of a fold is undefined.
DifferenceInterval bootstrap_difference_of_folds(Metric metric, std::span<const PairedFold> folds,
                                                 const BootstrapOptions& options = {});

/// Of the mean over runs (seeds) of two models; the runs of each are drawn on their own. All NaN
/// where a model has no run. With few runs the interval is too narrow: a resample of 3 has 10
/// distinct means at most.
DifferenceInterval bootstrap_mean_difference(std::span<const double> values_a,
                                             std::span<const double> values_b,
                                             const BootstrapOptions& options = {});

}  // namespace linformer
