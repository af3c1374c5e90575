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

}  // namespace

double mean_of(std::span<const double> values) {
  if (values.empty()) return kUndefined;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median_of(std::span<const double> values) {
  return percentile_of(values, 50.0);
}

double sample_standard_deviation(std::span<const double> values) {
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

DifferenceInterval bootstrap_difference(Metric metric, std::span<const double> predictions_a,
                                        std::span<const double> predictions_b,
                                        std::span<const double> targets,
                                        const BootstrapOptions& options) {
  const size_t num_rows = targets.size();
  if (predictions_a.size() != num_rows || predictions_b.size() != num_rows)
    throw std::invalid_argument("as many predictions as targets are needed");
  const double difference =
      metric_value(metric, predictions_a, targets) - metric_value(metric, predictions_b, targets);
  std::vector<double> resampled;
  std::vector<double> a(num_rows), b(num_rows), target(num_rows);
  for (int64_t r = 0; r < options.num_resamples && !std::isnan(difference); ++r) {
    RandomStream random(RandomPurpose::kBootstrap, {options.seed, static_cast<uint64_t>(r)});
    for (size_t i = 0; i < num_rows; ++i) {
      const size_t row = random.below(num_rows);
      a[i] = predictions_a[row];
      b[i] = predictions_b[row];
      target[i] = targets[row];
    }
    const double value = metric_value(metric, a, target) - metric_value(metric, b, target);
    if (!std::isnan(value)) resampled.push_back(value);
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
