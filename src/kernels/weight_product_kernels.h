#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

/// A device's products of weights, where they are faster than LibTorch's own.
struct ProductKernels {
  /// Whether products of this type are.
  bool (*outruns_libtorch)(at::ScalarType type);

  /// x (rows, k) weight^T for a weight (n, k), plus a bias (n) if it is defined. Any strides; rows,
  /// n and k above 0. No gradients: the gradients of a product are products.
  at::Tensor (*multiply)(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

  /// a^T b for a (rows, n) and b (rows, k): (n, k), the gradient of a weight.
  at::Tensor (*multiply_over_rows)(const at::Tensor& a, const at::Tensor& b);
};

}  // namespace linformer
