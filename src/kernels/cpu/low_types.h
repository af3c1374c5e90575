#pragma once

#include <bit>
#include <cstdint>

#include <ATen/ATen.h>

/// Reading and writing bf16 in loops that compute in float. Without branches, so that the loops
/// become vector instructions.
namespace linformer::cpu {

/// The type that a kernel computes in for elements of type T.
template <class T>
struct ComputeTypeOf {
  using type = T;
};
template <>
struct ComputeTypeOf<at::BFloat16> {
  using type = float;
};
template <class T>
using ComputeType = typename ComputeTypeOf<T>::type;

/// The bits of the nearest bf16, ties to even; NaN stays NaN.
inline uint32_t bf16_bits(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  return x == x ? rounded : 0x7fc0U;
}

template <class T>
ComputeType<T> load(const T& x) {
  if constexpr (std::is_same_v<T, at::BFloat16>) {
    return std::bit_cast<float>(static_cast<uint32_t>(x.x) << 16);
  } else {
    return x;
  }
}

template <class T>
void store(ComputeType<T> value, T& to) {
  if constexpr (std::is_same_v<T, at::BFloat16>) {
    to.x = static_cast<uint16_t>(bf16_bits(value));
  } else {
    to = value;
  }
}

/// fp16, which has no loops of its own: it is converted, computed in float, and rounded once.
inline bool needs_float(const at::Tensor& x) {
  return x.scalar_type() == at::kHalf;
}

/// Calls a templated lambda for float, double or bf16 elements, as AT_DISPATCH_FLOATING_TYPES does.
#define LINFORMER_DISPATCH_CPU(TYPE, NAME, ...) \
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, TYPE, NAME, __VA_ARGS__)

}  // namespace linformer::cpu
