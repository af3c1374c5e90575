#pragma once

#include <ATen/ATen.h>

#include "low_types.h"

/// Tensors as the element-wise loops see them.
namespace linformer::cpu {

/// The type of a tensor's elements in loops.
template <class T>
using Element = std::conditional_t<std::is_same_v<T, at::BFloat16>, Bf16, T>;

/// Numbers as loops see them.
template <class T>
T* bits_of(T* numbers) {
  return numbers;
}
inline Bf16* bits_of(at::BFloat16* numbers) {
  return &numbers->x;
}
inline const Bf16* bits_of(const at::BFloat16* numbers) {
  return &numbers->x;
}

/// A tensor's memory; T is its type in LibTorch.
template <class T>
Element<T>* elements(const at::Tensor& x) {
  return bits_of(x.data_ptr<T>());
}

/// fp16, which has no loops of its own: it is converted, computed in float, and rounded once.
inline bool needs_float(const at::Tensor& x) {
  return x.scalar_type() == at::kHalf;
}

/// Calls a templated lambda for float, double or bf16 elements, as AT_DISPATCH_FLOATING_TYPES does.
#define LINFORMER_DISPATCH_CPU(TYPE, NAME, ...) \
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, TYPE, NAME, __VA_ARGS__)

}  // namespace linformer::cpu
