#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

/// A matrix and its bias: x W^T + b.
struct Linear {
  at::Tensor weight;  ///< (out, in)
  at::Tensor bias;    ///< (out)
};

/// Keys and values of a layer: (S, out) each, or (B, k, out).
struct KeyValue {
  at::Tensor key;
  at::Tensor value;
};

/// x (..., in) W^T, without the bias: (..., out).
at::Tensor multiply(const at::Tensor& x, const Linear& linear);

/// x (..., in) W^T + b.
at::Tensor apply(const at::Tensor& x, const Linear& linear);

/// x (B, N, C) with padded rows replaced by `filler`. A product with the mask would let NaN
/// through.
at::Tensor select_valid(const at::Tensor& x, const at::Tensor& mask, double filler = 0.0);

}  // namespace linformer
