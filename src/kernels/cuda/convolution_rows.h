#pragma once

#include "elements.h"

namespace linformer::cuda {

/// Pointers to memory of the current device. The taps are float, or double if the elements are
/// double.
struct ConvolutionArguments {
  ElementType type = ElementType::kFloat;
  const void* base = nullptr;      ///< (sequences * length, channels); null: zeros
  const void* x = nullptr;         ///< the same shape
  const void* taps = nullptr;      ///< (width, channels)
  const void* upstream = nullptr;  ///< the shape of x; for tap_sums
  void* output = nullptr;          ///< the shape of x
  void* tap_sums = nullptr;        ///< (row_strips(sequences * length, channels), width, channels)
  int64_t sequences = 0;
  int64_t length = 0;
  int64_t channels = 0;
  int64_t width = 0;
  int64_t direction = 1;  ///< 1 for the convolution, -1 for its transpose
};

/// output[i] = base[i] + sum_j taps[j] * x[i + direction * (j - (width - 1) / 2)], zeros outside of
/// the sequence. Queued on `stream` (a cudaStream_t). Returns CUDA's error code of the launch, 0
/// for success.
int convolve_rows(const ConvolutionArguments& arguments, void* stream);

/// For each strip of rows and each tap j, the sum of upstream[i] * x[i + j - (width - 1) / 2].
int sum_tap_gradients(const ConvolutionArguments& arguments, void* stream);

}  // namespace linformer::cuda
