#pragma once

#include <cstdint>

/// Sums whose order depends neither on the CPU nor on the compiler: number i is added in lane
/// i % kLanes, and the lanes are added pairwise. So loops of any vector width give the same bits.
namespace linformer::cpu {
namespace {

constexpr int64_t kLanes = 16;

template <class T>
struct Lanes {
  alignas(64) T lane[kLanes] = {};

  T total() {
    for (int64_t half = kLanes / 2; half > 0; half /= 2) {
#pragma omp simd
      for (int64_t i = 0; i < half; ++i) lane[i] += lane[half + i];
    }
    return lane[0];
  }
};

/// Calls body(first, size) for pieces of [0, count) of at most kLanes numbers. The body is compiled
/// apart for whole pieces, whose size is then a constant.
template <class Body>
[[gnu::always_inline]] inline void for_lanes(int64_t count, const Body& body) {
  int64_t first = 0;
  for (; first + kLanes <= count; first += kLanes) body(first, kLanes);
  if (first < count) body(first, count - first);
}

/// The sum of number(i) for i in [0, count).
template <class T, class Number>
[[gnu::always_inline]] inline T fixed_order_sum(int64_t count, const Number& number) {
  Lanes<T> sums;
  for_lanes(
      count, [&](int64_t first, int64_t size) __attribute__((always_inline)) {
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) sums.lane[i] += number(first + i);
      });
  return sums.total();
}

}  // namespace
}  // namespace linformer::cpu
