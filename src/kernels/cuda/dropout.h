#pragma once

#include <ATen/core/Tensor.h>

#include "../dropout_hash.h"

namespace linformer::cuda {

/// DropoutHash::apply over a contiguous CUDA tensor, float or double, in one kernel on the current
/// stream. Only in builds with CUDA (LINFORMER_WITH_CUDA).
at::Tensor scale_kept(const at::Tensor& input, const DropoutHash& hash);

}  // namespace linformer::cuda
