#include "linformer/analysis/operation_benchmark.h"

#include <cmath>
#include <numeric>

#include <ATen/ATen.h>

#include "attention_variants.h"

#include "linformer/config/attention_rules.h"
#include "linformer/core/stop_signal.h"
#include "linformer/nn/self_attention.h"

namespace linformer {
namespace {

/// Of a sequence of full length, without the output matrix.
double model_multiply_adds(const ModelConfig& config) {
  const auto width = static_cast<double>(config.hidden_size);
  const double per_token =
      attention_rules(config.attention_type(0)).multiply_adds(config, 0).total() - width * width;
  return per_token * static_cast<double>(config.max_sequence_length);
}

OperationCounts count_layer(const ModelConfig& config) {
  ParameterSet parameters(1);
  const SelfAttention attention(config, 0, "self", parameters, std::nullopt);
  const at::Tensor x =
      parameters.draw_normal("x", {1, config.max_sequence_length, config.hidden_size}, 1.0);
  std::vector<at::Tensor> matrices;
  for (const char* name : {"query", "key", "value"}) {
    matrices.push_back(parameters.get("self." + std::string(name) + ".weight"));
  }
  return count_operations(matrices, [&] {
    const at::NoGradGuard no_grad;
    ForwardContext evaluation;
    evaluation.set_unfused_attention(true);
    attention.forward(x, {}, evaluation);
  });
}

void fit(OperationSeries& series) {
  std::vector<double> n, attention, whole;
  for (const OperationMeasurement& one : series.measurements) {
    if (!one.counts) continue;
    n.push_back(static_cast<double>(one.n));
    attention.push_back(static_cast<double>(one.counts->other_multiply_adds));
    whole.push_back(static_cast<double>(one.counts->multiply_adds()));
  }
  if (n.size() < 2) return;
  series.attention = fit_growth(n, attention);
  series.whole = fit_growth(n, whole);
}

}  // namespace

std::vector<OperationSeries> benchmark_operations(const OperationBenchmarkOptions& options) {
  std::vector<OperationSeries> all;
  for (const AttentionVariant& variant : attention_variants()) {
    if (variant.unfused) continue;  // the same operations as its fused twin
    OperationSeries& series = all.emplace_back();
    series.variant = variant.name;
    for (const int64_t n : options.lengths) {
      if (stop_signal() != 0) return {};
      const ModelConfig config = one_layer(options, variant, n);
      OperationMeasurement& one = series.measurements.emplace_back();
      one.n = n;
      one.model_multiply_adds = model_multiply_adds(config);
      if (is_possible(config)) one.counts = count_layer(config);
    }
    fit(series);
  }
  return all;
}

Growth fit_growth(const std::vector<double>& n, const std::vector<double>& counts) {
  const auto logs = [](const std::vector<double>& values) {
    std::vector<double> result;
    for (const double value : values) result.push_back(std::log(value));
    const double mean =
        std::accumulate(result.begin(), result.end(), 0.0) / static_cast<double>(result.size());
    for (double& value : result) value -= mean;
    return result;
  };
  const std::vector<double> x = logs(n);
  const std::vector<double> y = logs(counts);
  const double xx = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
  const double xy = std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  Growth growth;
  growth.exponent = xy / xx;
  if (x.size() < 3) return growth;
  double residuals = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    residuals += std::pow(y[i] - growth.exponent * x[i], 2);
  }
  growth.standard_error = std::sqrt(residuals / static_cast<double>(x.size() - 2) / xx);
  return growth;
}

}  // namespace linformer
