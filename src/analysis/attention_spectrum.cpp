#include "linformer/analysis/attention_spectrum.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "one_thread.h"

#include "linformer/analysis/attention_matrices.h"
#include "linformer/analysis/finite_outputs.h"
#include "linformer/analysis/row_sample.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

/// Adds the c_i of each head's matrix of one row to its sums.
void add_layer(const LayerAttention& attention, LayerSpectrum& layer) {
  const OneThread one_thread;
  layer.type = attention.type;
  layer.rows = attention.heads.front().query.size(1);
  layer.columns.resize(attention.heads.size());
  layer.cumulative.resize(attention.heads.size());
  for (size_t h = 0; h < attention.heads.size(); ++h) {
    const at::Tensor P = attention.heads[h].probabilities()[0];
    require_finite_outputs(P);
    const at::Tensor values = cumulative_singular_values(P);
    layer.columns[h] = P.size(1);
    layer.cumulative[h].resize(static_cast<size_t>(values.size(0)));
    const double* value = values.const_data_ptr<double>();
    for (double& sum : layer.cumulative[h]) sum += *value++;
  }
}

}  // namespace

at::Tensor cumulative_singular_values(const at::Tensor& matrices) {
  const at::Tensor sums = at::linalg_svdvals(matrices.to(at::kDouble)).cumsum(-1);
  return (sums / sums.narrow(-1, sums.size(-1) - 1, 1)).contiguous();
}

AttentionSpectrum attention_spectrum(const Model& model, std::span<const InputRow> rows,
                                     const std::function<void(int64_t)>& measured) {
  AttentionSpectrum spectrum;
  spectrum.layers.resize(static_cast<size_t>(model.config().num_hidden_layers));
  const bool segments = model.config().type_vocab_size > 0;
  int64_t num_layers = 0;
  for (const InputRow& row : rows) {
    visit_attention(model, single_row_input(row, segments),
                    [&](int64_t layer, const LayerAttention& attention) {
                      if (stop_signal() != 0) return;
                      add_layer(attention, spectrum.layers[static_cast<size_t>(layer)]);
                      if (measured) measured(++num_layers);
                    });
    ++spectrum.num_sequences;
    if (stop_signal() != 0) {
      spectrum.complete = false;
      return spectrum;
    }
  }
  for (LayerSpectrum& layer : spectrum.layers) {
    for (std::vector<double>& sums : layer.cumulative) {
      for (double& sum : sums) sum /= static_cast<double>(spectrum.num_sequences);
    }
  }
  return spectrum;
}

double value_at(std::span<const double> cumulative, int64_t index) {
  const auto count = static_cast<int64_t>(cumulative.size());
  return cumulative[static_cast<size_t>(std::min(index, count) - 1)];
}

std::vector<int64_t> spaced_indices(int64_t count, int64_t points) {
  const int64_t number = points == 0 ? count : std::min(points, count);
  std::vector<int64_t> indices;
  for (int64_t i = 1; i <= number; ++i) indices.push_back(i * count / number);
  return indices;
}

}  // namespace linformer
