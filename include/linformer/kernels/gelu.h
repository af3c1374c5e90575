#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

/// gelu(x + b), the exact form y = v * Phi(v) with v = x + b (Hendrycks, Gimpel 2016), in one pass.
/// The gradient of the bias is summed in the same pass as the input's.
///
///   input (R, C) float or double, contiguous;  bias (C);  returns (R, C)
at::Tensor bias_gelu(const at::Tensor& input, const at::Tensor& bias);

}  // namespace linformer
