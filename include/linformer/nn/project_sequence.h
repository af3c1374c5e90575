#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace linformer {

/// P x for every sequence of a batch.
///
///   projection (K, n) or (H, K, n), N <= n;  x (B, N, C) with padded rows already zero
///   returns    (B, K, C)
///
/// With one matrix per head, columns [h C/H, (h+1) C/H) of x belong to head h.
at::Tensor project_sequence(const at::Tensor& projection, const at::Tensor& x);

/// The row sums P 1 over valid positions, times the bias. Adding `bias` before the projection
/// equals adding this result after it.
///
///   projection (K, n) or (H, K, n);  bias (C)
///   mask       (B, N) bool, or undefined for `length` = N valid positions
///   returns    (B or 1, K, C)
at::Tensor project_bias(const at::Tensor& projection, const at::Tensor& mask, int64_t length,
                        const at::Tensor& bias);

/// Scales row i of `projected` by |P_i| / |P_i over valid positions|. Padding and short sequences
/// shrink keys and values, and with them the softmax's temperature; the scaling undoes this. A row
/// whose valid part is zero becomes zero.
///
///   projection (K, n) or (H, K, n);  mask as for project_bias();  projected (B, K, C)
at::Tensor rescale_rows(const at::Tensor& projection, const at::Tensor& mask, int64_t length,
                        const at::Tensor& projected);

}  // namespace linformer
