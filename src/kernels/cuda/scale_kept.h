#pragma once

#include <cstdint>

#include "../dropout_hash.h"
#include "../host_device.h"

namespace linformer::cuda {

/// Which rows of a larger tensor some rows are: number[r] for row r, on the device.
struct RowNumbers {
  const int64_t* number;  // null: 0, 1, ...
  int64_t width;          // elements of a row

  /// The element of the larger tensor that element i is.
  LINFORMER_HOST_DEVICE int64_t element(int64_t i) const {
    return number == nullptr ? i : number[i / width] * width + i % width;
  }
};

/// out[i] = in[i] / (1 - probability) if element rows.element(i) is kept, else 0, for i < count.
/// `in` and `out` are memory of the current device and may be the same. Queued on `stream` (a
/// cudaStream_t). Returns CUDA's error code of the launch, 0 for success.
int scale_kept(const float* in, float* out, int64_t count, const RowNumbers& rows,
               const DropoutHash& hash, void* stream);
int scale_kept(const double* in, double* out, int64_t count, const RowNumbers& rows,
               const DropoutHash& hash, void* stream);

}  // namespace linformer::cuda
