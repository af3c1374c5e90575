#pragma once

#include <cstdint>

namespace linformer::cuda {

/// Rows of `width` bytes in memory of the current device. The launch functions queue their work on
/// `stream` (a cudaStream_t) and return CUDA's error code, 0 for success.
struct RowsToMove {
  const void* from = nullptr;
  void* to = nullptr;
  int64_t rows = 0;
  int64_t width = 0;
};

/// Row r of `from` becomes row index[r] of `to`.
int place_rows(const RowsToMove& rows, const int64_t* index, void* stream);

/// Row r of `to` is row r of `from` if mask[r], else zeros.
int keep_rows(const RowsToMove& rows, const bool* mask, void* stream);

}  // namespace linformer::cuda
