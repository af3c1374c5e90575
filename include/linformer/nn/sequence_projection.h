#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// The matrices E (keys) and F (values) of arXiv 2006.04768, section 4: they mix the n positions of
/// a sequence into k = projected_length rows.
///
/// Shapes: (k, n), or (H, k, n) with one pair a head (sharing none). With key_value and layerwise
/// sharing F is E, the same tensor. A sequence of n' < n positions uses the first n' columns.
struct SequenceProjection {
  at::Tensor E;
  at::Tensor F;

  bool per_head() const { return E.dim() == 3; }
  bool shared_key_value() const { return E.is_same(F); }
};

/// Adds E (and F) to `parameters` as PREFIX.E and PREFIX.F, started as attention.init says:
///
///   normal         N(0, 0.02^2), the official code's effective start
///   block_average  row i averages the columns [i n/k, (i+1) n/k), plus 0.1 of the normal start
///   strided        row i picks the column floor((i + 1/2) n/k), plus 0.1 of the normal start
///   jl             N(0, 1/k), the construction of the paper's theorems
SequenceProjection make_sequence_projection(const ModelConfig& config, const std::string& prefix,
                                            ParameterSet& parameters);

/// P x for every sequence of a batch.
///
///   projection (K, n) or (H, K, n), N <= n;  x (B, N, C) with padded rows already zero
///   returns    (B, K, C)
///
/// With one matrix a head, columns [h C/H, (h+1) C/H) of x belong to head h.
at::Tensor project_sequence(const at::Tensor& projection, const at::Tensor& x);

/// The row sums P 1 over valid positions, times the bias: what a bias added before the projection
/// becomes after it.
///
///   projection (K, n) or (H, K, n);  bias (C)
///   mask       (B, N) bool, or undefined for `length` = N valid positions
///   returns    (B or 1, K, C)
at::Tensor project_bias(const at::Tensor& projection, const at::Tensor& mask, int64_t length,
                        const at::Tensor& bias);

}  // namespace linformer
