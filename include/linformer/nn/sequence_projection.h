#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// What maps the n positions of a layer's keys (E) and values (F) to k rows; arXiv 2006.04768,
/// section 4.
///
///   linear      matrices (k, n); (H, k, n) with one pair a head (sharing none), or, where k
///               differs between heads, (k_0 + k_1 + ..., n), head after head
///   mean_pool,  no parameters
///   max_pool
///   conv        kernels (C, 1, n/k), or (C, D, n/k) where the channels of a head mix
///
/// With key_value and layerwise sharing F is E, the same tensor. A sequence of n' < n positions
/// uses the first n' columns.
struct SequenceProjection {
  ProjectionType type = ProjectionType::kLinear;
  bool rescale_padding = false;
  at::Tensor E;
  at::Tensor F;

  bool shared_key_value() const { return E.is_same(F); }
};

/// The projection of one layer. Adds its E (and F) to `parameters` as PREFIX.E and PREFIX.F,
/// started as attention.init says:
///
///                  matrix                                                   kernel
///   normal         N(0, 0.02^2), the official code's effective start        the same
///   block_average  row i averages the columns [i n/k, (i+1) n/k),           1 / width
///                  plus 0.1 of the normal start                             likewise
///   strided        row i picks the column floor((i + 1/2) n/k),             the middle position
///                  plus 0.1 of the normal start                             likewise
///   jl             N(0, 1/k), the construction of the paper's theorems      -
///
/// A kernel that mixes channels starts so for each channel with itself.
SequenceProjection make_sequence_projection(const ModelConfig& config, int64_t layer,
                                            const std::string& prefix, ParameterSet& parameters);

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

/// Scales row i of `projected` by |P_i| / |P_i over valid positions|, which undoes how padding and
/// short sequences shrink keys and values, and with them the softmax's temperature. A row whose
/// valid part is zero becomes zero.
///
///   projection (K, n) or (H, K, n);  mask as for project_bias();  projected (B, K, C)
at::Tensor rescale_rows(const at::Tensor& projection, const at::Tensor& mask, int64_t length,
                        const at::Tensor& projected);

}  // namespace linformer
