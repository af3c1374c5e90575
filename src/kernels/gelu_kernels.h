#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/kernels/gelu.h"

namespace linformer {

struct GeluGradients {
  at::Tensor input;  ///< (R, C)
  at::Tensor bias;   ///< (C)
};

/// A device's y = gelu(x + bias): x (R, C) contiguous, bias (C), float or double. The result has
/// the type of x.
struct GeluKernels {
  at::Tensor (*forward)(const at::Tensor& x, const at::Tensor& bias, GeluForm form);

  /// dx = dy * gelu'(x + bias), and its sum over the rows for the bias. `upstream` dy (R, C).
  GeluGradients (*backward)(const at::Tensor& x, const at::Tensor& bias, GeluForm form,
                            const at::Tensor& upstream);

  bool takes_low = false;  ///< x and dy may be bf16 or fp16; the bias is float then
};

}  // namespace linformer
