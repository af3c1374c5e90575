#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/data/input_rows.h"
#include "linformer/nn/model.h"

namespace linformer {

/// The normalised cumulative singular values of matrices, sigma_1 >= sigma_2 >= ...:
///
///   c_i = (sigma_1 + ... + sigma_i) / (sigma_1 + sigma_2 + ...)
///
///   matrices  (..., N, M), not zero
///   returns   (..., min(N, M)) double; the last one is 1
///
/// Plain values are summed, not squares (arXiv 2006.04768, figure 1).
at::Tensor cumulative_singular_values(const at::Tensor& matrices);

/// The spectrum of the attention matrices of one layer, averaged over sequences.
struct LayerSpectrum {
  AttentionType type = AttentionType::kStandard;
  int64_t rows = 0;  ///< n
  /// Of each head: the columns of its matrix. n, or k of P-bar (n x k) in a linformer layer.
  std::vector<int64_t> columns;
  /// Of each head: the mean c_1, c_2, ..., min(rows, columns) numbers.
  std::vector<std::vector<double>> cumulative;
};

struct AttentionSpectrum {
  std::vector<LayerSpectrum> layers;
  int64_t num_sequences = 0;
  bool complete = true;  ///< false if a stop signal cut it short
};

/// The spectrum of P of each layer and head (P-bar in linformer layers), averaged over rows of one
/// length n without padding. Looks at the stop signal between rows. `measured` gets the number of
/// layers that are done, in all rows together. Throws RunError for numbers that are not finite.
AttentionSpectrum attention_spectrum(const Model& model, std::span<const InputRow> rows,
                                     const std::function<void(int64_t)>& measured = {});

/// c_index; 1 beyond the last singular value. index >= 1.
double value_at(std::span<const double> cumulative, int64_t index);

/// `points` of the indices 1 to `count`, evenly spaced and with the last one; all if there are no
/// more, or for 0 points.
std::vector<int64_t> spaced_indices(int64_t count, int64_t points);

}  // namespace linformer
