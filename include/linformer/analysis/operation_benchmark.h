#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "linformer/analysis/operation_counter.h"

namespace linformer {

struct OperationBenchmarkOptions {
  int64_t hidden_size = 256;
  int64_t num_attention_heads = 4;
  int64_t projected_length = 64;  ///< below every n, so that E x comes first everywhere
  int64_t attention_window = 64;
  std::vector<int64_t> lengths{128, 256, 512, 1024, 2048, 4096};  ///< n, ascending
};

/// One attention layer at one length.
struct OperationMeasurement {
  int64_t n = 0;
  std::optional<OperationCounts> counts;  ///< empty if impossible at this n
  double model_multiply_adds = 0.0;       ///< of the cost model (config/attention_rules.h)
};

/// Growth of a count: count ~ n^exponent.
struct Growth {
  double exponent = 0.0;
  std::optional<double> standard_error;  ///< of the exponent; from three lengths on
};

/// One kind of attention over all lengths.
struct OperationSeries {
  std::string variant;
  std::vector<OperationMeasurement> measurements;
  /// Of the products without weights (scores, mixing, E x), and of all; from two lengths on.
  std::optional<Growth> attention, whole;
};

/// Counts what the forward pass of one attention layer (matrices of query, key and value and the
/// attention over one sequence of n tokens, without output matrix) executes, for every kind of
/// attention over lengths n: Table 1 of the paper (arXiv 2006.04768), measured.
///
/// Standard attention and Linformers run unfused (ForwardContext::set_unfused_attention), so that
/// LibTorch's products can be seen; their fused kernel computes the same products. local_window
/// runs in its own kernel, which reports its products: its reference implementation would compute
/// all n x n scores. The cost model's count leaves out the output matrix here, too.
///
/// Returns an empty list after a stop signal.
std::vector<OperationSeries> benchmark_operations(const OperationBenchmarkOptions& options);

/// The slope of log(count) over log(n) by least squares, for at least two different n.
Growth fit_growth(const std::vector<double>& n, const std::vector<double>& counts);

}  // namespace linformer
