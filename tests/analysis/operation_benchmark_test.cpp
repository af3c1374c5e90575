#include "linformer/analysis/operation_benchmark.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

namespace linformer {
namespace {

constexpr int64_t kWidth = 16;  // d
constexpr int64_t kRows = 8;    // k

std::map<std::string, OperationSeries> tiny_series(const std::vector<int64_t>& lengths) {
  OperationBenchmarkOptions options;
  options.hidden_size = kWidth;
  options.num_attention_heads = 2;
  options.projected_length = kRows;
  options.attention_window = 32;
  options.lengths = lengths;
  std::map<std::string, OperationSeries> series;
  for (OperationSeries& one : benchmark_operations(options)) {
    const std::string name = one.variant;
    series[name] = std::move(one);
  }
  return series;
}

/// Multiply-adds by hand: those with the matrices of query, key and value, the attention's, and
/// those by which the whole exceeds the cost model.
struct Expected {
  int64_t weights, attention, beyond_model;
};

TEST(OperationBenchmark, CountsByHand) {
  constexpr int64_t n = 64, d = kWidth, k = kRows;
  constexpr int64_t query = n * d * d;     // x W of n rows
  constexpr int64_t k_rows = k * d * d;    // x W of k rows
  constexpr int64_t mix = k * n * d;       // E x
  constexpr int64_t core = 2 * n * k * d;  // scores and mixing with k keys
  constexpr int64_t sums = k * n;          // the bias: E 1
  const std::map<std::string, Expected> expected{
      {"standard", {3 * query, 2 * n * n * d, 0}},
      // Tiles of 16 queries see 32, 48, 48 and 32 keys; the model counts 33 keys a query.
      {"local_window", {3 * query, 2 * 16 * 160 * d, 2 * (16 * 160 - n * 33) * d}},
      // E x and F x, each with the sums of its bias, which the model leaves out.
      {"headwise", {query + 2 * k_rows, 2 * mix + 2 * sums + core, 2 * sums}},
      // E x serves keys and values, which the model counts twice.
      {"key_value", {query + 2 * k_rows, mix + 2 * sums + core, 2 * sums - mix}},
      // One E per head: x W of all n rows first, where the model counts k rows. The sums of two
      // heads.
      {"none", {3 * query, 2 * mix + 4 * sums + core, 2 * query - 2 * k_rows + 4 * sums}},
      {"strided", {3 * query, 2 * mix + 4 * sums + core, 2 * query - 2 * k_rows + 4 * sums}},
      {"mean_pool", {query + 2 * k_rows, core, 0}},
      {"max_pool", {3 * query, core, 0}},
      {"conv", {3 * query, core, 0}},
      // Values of all n rows, then F; the convolution itself is element-wise.
      {"value_convolution", {2 * query + k_rows, 2 * mix + sums + core, query - k_rows + sums}},
  };
  const auto series = tiny_series({n, 2 * n});
  EXPECT_EQ(series.size(), expected.size());
  for (const auto& [name, counts] : expected) {
    SCOPED_TRACE(name);
    const OperationMeasurement& one = series.at(name).measurements.front();
    ASSERT_TRUE(one.counts.has_value());
    EXPECT_EQ(one.counts->weight_multiply_adds, counts.weights);
    // Where the CPU has packed products in float, the keys of a window come in steps of 32: the
    // four tiles see 32, 64, 64 and 32.
    const int64_t more =
        name == "local_window" && one.counts->other_multiply_adds > counts.attention
            ? 2 * 16 * (192 - 160) * d
            : 0;
    EXPECT_EQ(one.counts->other_multiply_adds, counts.attention + more);
    EXPECT_EQ(static_cast<double>(one.counts->multiply_adds()) - one.model_multiply_adds,
              static_cast<double>(counts.beyond_model + more));
  }
}

TEST(OperationBenchmark, GrowthIsQuadraticOrLinear) {
  for (const auto& [name, series] : tiny_series({64, 128, 256, 512})) {
    SCOPED_TRACE(name);
    const double expected = name == "standard" ? 2.0 : 1.0;
    // The first and the last tile of a window see fewer keys.
    const double tolerance = name == "local_window" ? 0.15 : 1e-9;
    ASSERT_TRUE(series.attention && series.whole);
    EXPECT_NEAR(series.attention->exponent, expected, tolerance);
    EXPECT_LT(series.whole->exponent, name == "standard" ? 2.0 : 1.1);
    const int64_t calls = series.measurements.front().counts->num_calls;
    EXPECT_GT(calls, 3);
    for (const OperationMeasurement& one : series.measurements) {
      EXPECT_EQ(one.counts->num_calls, calls) << one.n;
    }
  }
}

TEST(OperationBenchmark, ImpossibleLengthsAreLeftOut) {
  // k = 8 does not fit into 4 positions.
  const auto series = tiny_series({4, 16});
  EXPECT_TRUE(series.at("standard").measurements.front().counts.has_value());
  EXPECT_FALSE(series.at("headwise").measurements.front().counts.has_value());
  EXPECT_FALSE(series.at("headwise").attention.has_value());
}

TEST(OperationBenchmark, FitsByLeastSquares) {
  // log count = 3 log n exactly.
  const Growth exact = fit_growth({1, 2, 4}, {1, 8, 64});
  EXPECT_NEAR(exact.exponent, 3.0, 1e-12);
  EXPECT_NEAR(*exact.standard_error, 0.0, 1e-12);
  // In units of log 2: x = 0, 1, 2 and y = 0, 0, 3. Slope 3 / 2; residuals 1/2, -1, 1/2; so the
  // variance is (3 / 2) / 1 / 2 = 3 / 4.
  const Growth bent = fit_growth({1, 2, 4}, {1, 1, 8});
  EXPECT_NEAR(bent.exponent, 1.5, 1e-12);
  EXPECT_NEAR(*bent.standard_error, std::sqrt(0.75), 1e-12);
  EXPECT_FALSE(fit_growth({1, 2}, {1, 2}).standard_error.has_value());
}

}  // namespace
}  // namespace linformer
