#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

/// x W^T, plus a bias: the product of a linear layer. Under mixed precision it is in the low type.
/// In an Int8Scope it is computed in int8, in and out in fp32.
///
///   x (M, K);  weight (N, K);  bias (N), undefined = none;  returns (M, N)
///
/// In fp32 on CPUs where LibTorch's BLAS leaves AVX-512 unused, oneDNN multiplies instead, forward
/// and backward. In bf16 on CPUs with instructions for it, rows are multiplied in blocks of 64, so
/// that oneDNN compiles few shapes.
at::Tensor weight_product(const at::Tensor& x, const at::Tensor& weight,
                          const at::Tensor& bias = {});

}  // namespace linformer
