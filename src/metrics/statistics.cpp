#include "linformer/metrics/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "linformer/core/random.h"
#include "linformer/metrics/task_metrics.h"

namespace linformer {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

DifferenceInterval interval_of(double difference, const std::vector<double>& resampled,
                               double confidence) {
  if (std::isnan(difference)) return {kUndefined, kUndefined, kUndefined};
  const double tail = 50.0 * (1.0 - confidence);  // percent at each end
  return {difference, percentile_of(resampled, tail), percentile_of(resampled, 100.0 - tail)};
}

double resampled_mean(std::span<const double> values, RandomStream& random) {
  double sum = 0.0;
  for (size_t i = 0; i < values.size(); ++i) sum += values[random.below(values.size())];
  return sum / static_cast<double>(values.size());
}

/// `count` random indices below `count`, drawn with replacement.
std::vector<size_t> drawn(size_t count, RandomStream& random) {
  std::vector<size_t> numbers(count);
  for (size_t& number : numbers) number = random.below(count);
  return numbers;
}

/// Mean of the metric over these runs, on these rows; NaN without runs.
double mean_metric(Metric metric, std::span<const std::vector<double>> runs,
                   const std::vector<size_t>& numbers, std::span<const double> targets,
                   const std::vector<size_t>& rows) {
  std::vector<double> values;
  std::vector<double> prediction(rows.size()), target(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) target[i] = targets[rows[i]];
  for (const size_t number : numbers) {
    for (size_t i = 0; i < rows.size(); ++i) prediction[i] = runs[number][rows[i]];
    values.push_back(metric_value(metric, prediction, target));
  }
  return mean_of(values);
}

/// For two models, on rows drawn from a fold.
double resampled_difference(Metric metric, const PairedFold& fold, RandomStream& random) {
  const std::vector<size_t> rows = drawn(fold.targets.size(), random);
  return mean_metric(metric, {&fold.predictions_a, 1}, {0}, fold.targets, rows) -
         mean_metric(metric, {&fold.predictions_b, 1}, {0}, fold.targets, rows);
}

}  // namespace

double mean_of(std::span<const double> values) {
  if (values.empty()) return kUndefined;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median_of(std::span<const double> values) {
  return percentile_of(values, 50.0);
}

double sample_stddev(std::span<const double> values) {
  if (values.size() < 2) return kUndefined;
  const double mean = mean_of(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double percentile_of(std::span<const double> values, double percent) {
  if (!(percent >= 0.0 && percent <= 100.0)) throw std::out_of_range("percent outside 0 to 100");
  if (values.empty()) return kUndefined;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double place = static_cast<double>(sorted.size() - 1) * percent / 100.0;
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = place - static_cast<double>(below);
  return sorted[below] + share * (sorted[above] - sorted[below]);
}

ShareInterval wilson_interval(int64_t num_right, int64_t count) {
  if (count <= 0) return {kUndefined, kUndefined};
  constexpr double z = 1.959963984540054;  // 97.5 % of a normal distribution are below
  const auto n = static_cast<double>(count);
  const double share = static_cast<double>(num_right) / n;
  const double scale = 1.0 / (1.0 + z * z / n);
  const double centre = scale * (share + z * z / (2.0 * n));
  const double half = scale * z * std::sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n));
  // Exactly 0 for none and 1 for all, but for rounding.
  return {num_right == 0 ? 0.0 : centre - half, num_right == count ? 1.0 : centre + half};
}

DifferenceInterval bootstrap_difference(Metric metric, std::span<const double> predictions_a,
                                        std::span<const double> predictions_b,
                                        std::span<const double> targets,
                                        const BootstrapOptions& options) {
  const std::vector<double> a(predictions_a.begin(), predictions_a.end());
  const std::vector<double> b(predictions_b.begin(), predictions_b.end());
  return bootstrap_difference_of_runs(metric, {&a, 1}, {&b, 1}, targets, options);
}

DifferenceInterval bootstrap_difference_of_runs(Metric metric,
                                                std::span<const std::vector<double>> runs_a,
                                                std::span<const std::vector<double>> runs_b,
                                                std::span<const double> targets,
                                                const BootstrapOptions& options) {
  for (const auto& runs : {runs_a, runs_b}) {
    for (const std::vector<double>& predictions : runs) {
      if (predictions.size() != targets.size())
        throw std::invalid_argument("as many predictions as targets are needed");
    }
  }
  const auto all = [](std::span<const std::vector<double>> runs) {
    std::vector<size_t> numbers(runs.size());
    std::iota(numbers.begin(), numbers.end(), size_t{0});
    return numbers;
  };
  std::vector<size_t> rows(targets.size());
  std::iota(rows.begin(), rows.end(), size_t{0});
  const double difference = mean_metric(metric, runs_a, all(runs_a), targets, rows) -
                            mean_metric(metric, runs_b, all(runs_b), targets, rows);
  std::vector<double> resampled;
  for (int64_t r = 0; r < options.num_resamples && !std::isnan(difference); ++r) {
    RandomStream random(RandomPurpose::kBootstrap, {options.seed, static_cast<uint64_t>(r)});
    for (size_t& row : rows) row = random.below(targets.size());
    const std::vector<size_t> numbers_a = drawn(runs_a.size(), random);
    const std::vector<size_t> numbers_b = drawn(runs_b.size(), random);
    const double value = mean_metric(metric, runs_a, numbers_a, targets, rows) -
                         mean_metric(metric, runs_b, numbers_b, targets, rows);
    if (!std::isnan(value)) resampled.push_back(value);
  }
  return interval_of(difference, resampled, options.confidence);
}

DifferenceInterval bootstrap_difference_of_folds(Metric metric, std::span<const PairedFold> folds,
                                                 const BootstrapOptions& options) {
  std::vector<double> differences;
  for (const PairedFold& fold : folds) {
    differences.push_back(metric_value(metric, fold.predictions_a, fold.targets) -
                          metric_value(metric, fold.predictions_b, fold.targets));
  }
  const double difference = mean_of(differences);
  std::vector<double> resampled;
  for (int64_t r = 0; r < options.num_resamples && !std::isnan(difference); ++r) {
    RandomStream random(RandomPurpose::kBootstrap, {options.seed, static_cast<uint64_t>(r)});
    for (double& value : differences) {
      value = resampled_difference(metric, folds[random.below(folds.size())], random);
    }
    const double mean = mean_of(differences);
    if (!std::isnan(mean)) resampled.push_back(mean);
  }
  return interval_of(difference, resampled, options.confidence);
}

DifferenceInterval bootstrap_mean_difference(std::span<const double> values_a,
                                             std::span<const double> values_b,
                                             const BootstrapOptions& options) {
  const double difference = mean_of(values_a) - mean_of(values_b);
  std::vector<double> resampled;
  for (int64_t r = 0; r < options.num_resamples && !std::isnan(difference); ++r) {
    RandomStream random(RandomPurpose::kBootstrap, {options.seed, static_cast<uint64_t>(r)});
    const double mean_a = resampled_mean(values_a, random);
    resampled.push_back(mean_a - resampled_mean(values_b, random));
  }
  return interval_of(difference, resampled, options.confidence);
}

}  // namespace linformer
