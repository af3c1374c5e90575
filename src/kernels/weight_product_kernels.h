#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

/// A device's products of weights, where they are faster than LibTorch's own.
struct ProductKernels {
  /// Whether products of this type are.
  bool (*outruns_libtorch)(at::ScalarType type);

  /// a (m, k) b^T for b (n, k), plus a bias (n) if it is defined. Any strides; m, n and k above 0.
  /// No gradients: the gradients of a product are products.
  at::Tensor (*multiply)(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias);
};

}  // namespace linformer
