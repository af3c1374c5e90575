#pragma once

#include "../element_loops.h"

namespace linformer::cpu {
namespace {

void round_rows(const float* from, int64_t from_stride, Bf16* to, int64_t to_stride, int64_t rows,
                int64_t width, int64_t padded_width) {
  for (int64_t row = 0; row < rows; ++row, from += from_stride, to += to_stride) {
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) store(from[i], to[i]);
    for (int64_t i = width; i < padded_width; ++i) to[i] = 0;
  }
}

/// The bits of a number in bf16.
[[gnu::always_inline]] inline uint32_t low_bits(float x) {
  return bf16_bits(x);
}
[[gnu::always_inline]] inline uint32_t low_bits(Bf16 x) {
  return x;
}

/// Each pair of rows becomes a row of 32-bit numbers, the upper row in their lower half.
template <class E>
void pack(const E* from, int64_t stride, int64_t k, int64_t n, Bf16* to) {
  for (int64_t i = 0; i < k; i += 2, to += 2 * n) {
    const E* a = from + i * stride;
    if (i + 1 == k) {
#pragma omp simd
      for (int64_t j = 0; j < n; ++j) {
        to[2 * j] = static_cast<Bf16>(low_bits(a[j]));
        to[2 * j + 1] = 0;
      }
      return;
    }
    const E* b = a + stride;
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
      to[2 * j] = static_cast<Bf16>(low_bits(a[j]));
      to[2 * j + 1] = static_cast<Bf16>(low_bits(b[j]));
    }
  }
}

constexpr RoundingLoops rounding_loops() {
  return {round_rows, pack<float>, pack<Bf16>};
}

}  // namespace
}  // namespace linformer::cpu
