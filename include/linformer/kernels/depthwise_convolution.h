#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

/// y[b, i, c] = base[b, i, c] + sum_j weight[c, 0, j] * x[b, i + j - (W - 1) / 2, c], zeros
/// outside.
///
///   base, x (B, N, C) contiguous;  weight (C, 1, W), W odd;  returns (B, N, C)
at::Tensor add_depthwise_convolution(const at::Tensor& base, const at::Tensor& x,
                                     const at::Tensor& weight);

}  // namespace linformer
