#pragma once

#include <cstdint>
#include <type_traits>

#include "../host_device.h"

/// Reading and writing bf16 in loops that compute in float. Without branches, so that the loops
/// become vector instructions.
namespace linformer::cpu {

/// A bf16 as loops see it: its bits.
using Bf16 = uint16_t;

/// The type that a loop computes in for elements of type T: float for bf16.
template <class T>
using ComputeType = std::conditional_t<std::is_same_v<T, Bf16>, float, T>;

/// The bits of the nearest bf16, ties to even; NaN stays NaN.
LINFORMER_HOST_DEVICE inline uint32_t bf16_bits(float x) {
  const auto bits = __builtin_bit_cast(uint32_t, x);
  const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  return x == x ? rounded : 0x7fc0U;
}

template <class T>
LINFORMER_HOST_DEVICE inline ComputeType<T> load(const T& x) {
  if constexpr (std::is_same_v<T, Bf16>) {
    return __builtin_bit_cast(float, static_cast<uint32_t>(x) << 16);
  } else {
    return x;
  }
}

template <class T>
LINFORMER_HOST_DEVICE inline void store(ComputeType<T> value, T& to) {
  if constexpr (std::is_same_v<T, Bf16>) {
    to = static_cast<Bf16>(bf16_bits(value));
  } else {
    to = value;
  }
}

}  // namespace linformer::cpu
