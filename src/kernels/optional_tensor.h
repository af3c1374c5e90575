#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

namespace linformer {

/// LibTorch's operators and autograd functions represent an absent tensor as an empty optional.
using OptionalTensor = std::optional<at::Tensor>;

inline OptionalTensor to_optional(const at::Tensor& tensor) {
  return tensor.defined() ? OptionalTensor(tensor) : std::nullopt;
}

}  // namespace linformer
