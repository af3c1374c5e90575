#pragma once

#include <ATen/core/Tensor.h>

/// The CPU's products of whole matrices, for its other kernels and for measurements.
namespace linformer::cpu {

/// Whether products of this type go through multiply_floats(): in float, where packed products do
/// (packed_products.h) and LibTorch has oneDNN.
bool has_float_products(at::ScalarType type);

/// a (m, k) b^T for b (n, k), plus a bias (n) if it is defined, with oneDNN (ProductKernels).
at::Tensor multiply_floats(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias = {});

/// x (rows, k) weight^T for a weight (n, k), plus a bias (n) if it is defined, in a low type.
///
/// oneDNN compiles a product for each shape, and keeps it. Batches without their padding have
/// another number of rows in each step, so the rows are multiplied in whole blocks of 64 and one
/// more block of 8, 16, 32 or 64, filled with zeros: that makes few shapes.
at::Tensor multiply_low(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

/// a^T b for a (rows, n) and b (rows, k), in a low type: the sum over the rows, in the same blocks.
at::Tensor multiply_low_over_rows(const at::Tensor& a, const at::Tensor& b);

/// x (m, k) W^T for a weight (n, k), both on the CPU and of one type, as layers multiply them.
at::Tensor multiply_as_layers_do(const at::Tensor& x, const at::Tensor& weight);

}  // namespace linformer::cpu
