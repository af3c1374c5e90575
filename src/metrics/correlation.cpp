#include "linformer/metrics/correlation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "linformer/core/error.h"

namespace linformer {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

constexpr double kRounding = 1e-6;  // eight units in the last place of a float

void check_rows(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) throw std::invalid_argument("two lists of one length are needed");
  if (x.empty()) {
    fail_run("metrics", "no row to correlate", "give a file with at least two labelled rows");
  }
}

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

/// Differences from the mean, divided by the largest one so that no square overflows or underflows.
std::vector<double> centered(std::span<const double> values) {
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  std::vector<double> result;
  double largest = 0.0;
  for (const double value : values) {
    result.push_back(value - mean);
    largest = std::max(largest, std::abs(result.back()));
  }
  for (double& value : result) value /= largest;
  return result;
}

bool is_constant(std::span<const double> values) {
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  return *largest - *least <= kRounding * std::max(std::abs(*least), std::abs(*largest));
}

/// Looks at the values, not at their ranks: if the values differ by rounding only, so do the ranks.
bool is_undefined(std::span<const double> x, std::span<const double> y) {
  return !all_finite(x) || !all_finite(y) || is_constant(x) || is_constant(y);
}

double correlation_of(std::span<const double> x, std::span<const double> y) {
  const std::vector<double> a = centered(x);
  const std::vector<double> b = centered(y);
  const auto dot = [](const std::vector<double>& u, const std::vector<double>& v) {
    return std::inner_product(u.begin(), u.end(), v.begin(), 0.0);
  };
  return std::clamp(dot(a, b) / std::sqrt(dot(a, a) * dot(b, b)), -1.0, 1.0);
}

}  // namespace

double pearson_correlation(std::span<const double> x, std::span<const double> y) {
  check_rows(x, y);
  return is_undefined(x, y) ? kUndefined : correlation_of(x, y);
}

double spearman_correlation(std::span<const double> x, std::span<const double> y) {
  check_rows(x, y);
  return is_undefined(x, y) ? kUndefined : correlation_of(average_ranks(x), average_ranks(y));
}

std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    // The ranks are begin + 1 ... end; their mean is half the sum of the first and the last.
    const double rank = static_cast<double>(begin + 1 + end) / 2.0;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
    begin = end;
  }
  return ranks;
}

}  // namespace linformer
