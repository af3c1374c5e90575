#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/kernels/dropout.h"

namespace linformer {

/// A device's dropout. One function serves both passes, since dropout is linear:
///
///   y_i = x_i / (1 - probability) if DropoutHash keeps element i, else 0
///
/// `rows` (R) int64 with x (R, C): element rows[r] * C + c decides about x_rc; undefined = r.
///
///   x (any shape), contiguous, float or double;  returns the same shape
struct DropoutKernels {
  at::Tensor (*scale_kept)(const at::Tensor& x, const DropoutSite& site, const at::Tensor& rows);
};

}  // namespace linformer
