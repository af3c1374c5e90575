#pragma once

#include <cstdint>
#include <limits>

/// Kernels that give each warp one row: blocks of (kWarp, kWarps) threads.
namespace linformer::cuda {

constexpr int kWarp = 32;
constexpr int kWarps = 4;

inline dim3 row_grid(int64_t rows) {
  return dim3(static_cast<unsigned>((rows + kWarps - 1) / kWarps));
}

template <class T>
__device__ T sum_of_warp(T value) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(0xffffffffU, value, offset);
  }
  return value;
}

template <class T>
__device__ T max_of_warp(T value) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    const T other = __shfl_xor_sync(0xffffffffU, value, offset);
    value = other > value ? other : value;
  }
  return value;
}

}  // namespace linformer::cuda
