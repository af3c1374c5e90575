#pragma once

#include <cstdint>

#include "../dropout_hash.h"

namespace linformer::cuda {

/// out[i] = in[i] / (1 - probability) if element i is kept, else 0, for i < count. `in` and `out`
/// are memory of the current device and may be the same. Queued on `stream` (a cudaStream_t).
/// Returns CUDA's error code of the launch, 0 for success.
int scale_kept(const float* in, float* out, int64_t count, const DropoutHash& hash, void* stream);
int scale_kept(const double* in, double* out, int64_t count, const DropoutHash& hash, void* stream);

}  // namespace linformer::cuda
