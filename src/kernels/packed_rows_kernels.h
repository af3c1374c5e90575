#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

/// A device's movement of whole rows, for elements of every type. LibTorch's index_copy on CUDA
/// sorts the indices first, to be deterministic where an index occurs twice; here none does.
struct RowKernels {
  /// Copies row m of x (M, C), contiguous, to row index[m] of `target` (count, C), contiguous, of
  /// the same type. index (M) int64, each once.
  void (*place)(const at::Tensor& x, const at::Tensor& index, const at::Tensor& target);

  /// x (R, C), contiguous, with zeros in the rows where `mask` (R) bool is false.
  at::Tensor (*keep)(const at::Tensor& x, const at::Tensor& mask);
};

}  // namespace linformer
