#pragma once

#include "elements.h"

namespace linformer::cuda {

/// Pointers to memory of the current device. Elements are of one type. Bias and its sums are float,
/// or double if the elements are double.
struct BiasGeluArguments {
  ElementType type = ElementType::kFloat;
  const void* x = nullptr;         ///< (rows, width)
  const void* bias = nullptr;      ///< (width)
  const void* upstream = nullptr;  ///< (rows, width): dy, for the backward pass
  void* output = nullptr;          ///< (rows, width): y, or dx
  void* bias_sums = nullptr;       ///< (row_strips(rows, width), width), for the backward pass
  int64_t rows = 0;
  int64_t width = 0;
  bool tanh_form = false;
};

/// y = gelu(x + bias). Queued on `stream` (a cudaStream_t). Returns CUDA's error code of the
/// launch, 0 for success.
int bias_gelu_forward(const BiasGeluArguments& arguments, void* stream);

/// dx = dy * gelu'(x + bias), and the sums of dx for each strip of rows.
int bias_gelu_backward(const BiasGeluArguments& arguments, void* stream);

}  // namespace linformer::cuda
