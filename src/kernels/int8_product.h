#pragma once

#include <optional>
#include <span>

#include <ATen/core/Tensor.h>
#include <c10/core/QEngine.h>

namespace linformer {

/// x W^T, plus a bias, in int8 (weight_product()). Nothing where this product is not one for int8:
/// no Int8Scope, another type or device, or what the scope leaves in fp32.
std::optional<at::Tensor> int8_product(const at::Tensor& x, const at::Tensor& weight,
                                       const at::Tensor& bias);

/// The engine of int8 products among those that LibTorch has on this CPU. Throws UsageError if
/// there is none.
at::QEngine choose_int8_engine(std::span<const at::QEngine> engines);

}  // namespace linformer
