#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

enum class GeluForm {
  kExact,  ///< v * Phi(v)
  kTanh    ///< v * (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3))) / 2
};

/// gelu(x + b), the exact form y = v * Phi(v) with v = x + b or its tanh approximation (Hendrycks,
/// Gimpel 2016), in one pass. The gradient of the bias is summed in the same pass as the input's.
///
///   input (R, C) float or double, contiguous;  bias (C);  returns (R, C)
at::Tensor bias_gelu(const at::Tensor& input, const at::Tensor& bias,
                     GeluForm form = GeluForm::kExact);

}  // namespace linformer
