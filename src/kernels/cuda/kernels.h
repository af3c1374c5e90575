#pragma once

#include "../dropout_kernels.h"

/// CUDA's implementations, on the current stream. Only in builds with CUDA.
namespace linformer::cuda {

extern const DropoutKernels dropout_kernels;

}  // namespace linformer::cuda
