#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linformer/config/metric.h"

namespace linformer {

/// All values have to be finite. NaN if there are too few, as each function says.
double mean_of(std::span<const double> values);  ///< NaN without values
/// The middle one, or the mean of the middle two; NaN without values.
double median_of(std::span<const double> values);
/// With n - 1 as the divisor; NaN for fewer than two values.
double sample_stddev(std::span<const double> values);
/// The value below which `percent` percent of the values lie. Interpolated linearly between the
/// sorted values at (n - 1) percent / 100 (NumPy's default). NaN without values; 0 <= percent <=
/// 100.
double percentile_of(std::span<const double> values, double percent);

struct ShareInterval {
  double low = 0.0;
  double high = 0.0;
};

/// The 95 % score interval of a share (Wilson 1927) from `num_right` of `count` independent trials.
/// It lies within [0, 1], for none and for all as well. NaN without trials.
ShareInterval wilson_interval(int64_t num_right, int64_t count);

struct BootstrapOptions {
  int64_t num_resamples = 2000;
  double confidence = 0.95;
  uint64_t seed = 1;
};

/// A difference a - b and its percentile interval (Efron 1979). If the interval holds 0, the data
/// do not show a difference.
struct DifferenceInterval {
  double difference = 0.0;
  double low = 0.0;
  double high = 0.0;
};

/// The interval of a metric's difference between two models' predictions for the same rows. Each
/// resample draws rows with replacement and uses them for both models (paired), from a random
/// stream of (seed, number of the resample). Resamples for which the metric is undefined are left
/// out. All NaN if it is undefined for the given rows. Throws RunError as metric_value() does.
DifferenceInterval bootstrap_difference(Metric metric, std::span<const double> predictions_a,
                                        std::span<const double> predictions_b,
                                        std::span<const double> targets,
                                        const BootstrapOptions& options = {});

/// The interval of the difference between the means of a metric over several runs (seeds) of two
/// models, all on the same rows. Each resample draws rows, the same for all runs, and draws the
/// runs of each model separately. So the interval covers the chance in both the test set and the
/// seed. With one run each it equals bootstrap_difference(). All NaN if a model has no run or the
/// metric of a run is undefined.
DifferenceInterval bootstrap_difference_of_runs(Metric metric,
                                                std::span<const std::vector<double>> runs_a,
                                                std::span<const std::vector<double>> runs_b,
                                                std::span<const double> targets,
                                                const BootstrapOptions& options = {});

/// One fold of a cross-validation: two models' predictions for its rows.
struct PairedFold {
  std::vector<double> predictions_a, predictions_b, targets;
};

/// The interval of the difference between the means of a metric over the folds. Each resample draws
/// folds, and rows within each fold, the same for both models, since folds differ more from each
/// other than models do. It does not cover that the training sets of folds overlap (Bengio &
/// Grandvalet 2004: no unbiased estimate of that exists). All NaN without folds or if the metric of
/// a fold is undefined.
DifferenceInterval bootstrap_difference_of_folds(Metric metric, std::span<const PairedFold> folds,
                                                 const BootstrapOptions& options = {});

/// The interval of the difference between two models' means over runs (seeds). The runs of each
/// model are drawn separately. All NaN if a model has no run. With few runs the interval is too
/// narrow: a resample of 3 has at most 10 distinct means.
DifferenceInterval bootstrap_mean_difference(std::span<const double> values_a,
                                             std::span<const double> values_b,
                                             const BootstrapOptions& options = {});

}  // namespace linformer
