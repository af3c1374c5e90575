#pragma once

#include <ATen/core/Tensor.h>

/// The CPU's products of whole matrices, for its other kernels and for measurements.
namespace linformer::cpu {

/// Whether products of this type go through multiply_floats(): in float, where packed products do
/// (packed_products.h) and LibTorch has oneDNN.
bool has_float_products(at::ScalarType type);

/// a (m, k) b^T for b (n, k), plus a bias (n) if it is defined, with oneDNN (ProductKernels).
at::Tensor multiply_floats(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias = {});

/// x (m, k) W^T for a weight (n, k), both on the CPU and of one type, as layers multiply them.
at::Tensor multiply_as_layers_do(const at::Tensor& x, const at::Tensor& weight);

}  // namespace linformer::cpu
