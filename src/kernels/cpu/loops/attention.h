#pragma once

#include <limits>

#include "../../element_functions.h"
#include "../element_loops.h"
#include "fixed_order_sum.h"

namespace linformer::cpu {
namespace {

inline float natural_log(float x) {
  return __builtin_logf(x);
}
inline double natural_log(double x) {
  return __builtin_log(x);
}

template <class T>
T softmax(T* scores, T scale, const bool* mask, int64_t keys) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
#pragma omp simd
  for (int64_t m = 0; m < keys; ++m) scores[m] *= scale;
  if (mask != nullptr) {
    for (int64_t m = 0; m < keys; ++m) scores[m] = mask[m] ? scores[m] : -kInfinity;
  }
  T largest = -kInfinity;
#pragma omp simd reduction(max : largest)
  for (int64_t m = 0; m < keys; ++m) largest = scores[m] > largest ? scores[m] : largest;
  if (largest == -kInfinity) {  // every key is masked
    for (int64_t m = 0; m < keys; ++m) scores[m] = T(0);
    return kInfinity;
  }
  T total = fixed_order_sum<T>(
      keys, [&](int64_t m) { return scores[m] = fast_exp(scores[m] - largest); });
  if (mask != nullptr) {  // fast_exp never returns 0, but a masked key has to be exactly 0
    for (int64_t m = 0; m < keys; ++m) scores[m] = mask[m] ? scores[m] : T(0);
    total = fixed_order_sum<T>(keys, [&](int64_t m) { return scores[m]; });
  }
  const T inverse = T(1) / total;
#pragma omp simd
  for (int64_t m = 0; m < keys; ++m) scores[m] *= inverse;
  return largest + natural_log(total);
}

template <class T>
void dropout_row(const T* in, T* out, const DropoutHash& hash, uint32_t first, int64_t count) {
  hash.apply(in, out, first, count);
}

template <class T>
void softmax_gradient(T* scores, T* dp, T factor, const bool* mask, T log_sum, T delta, T scale,
                      const DropoutHash& hash, uint32_t first, int64_t keys) {
  if (hash.active()) hash.apply(dp, dp, first, keys);
#pragma omp simd
  for (int64_t m = 0; m < keys; ++m) {
    const T probability = fast_exp(scores[m] * factor - log_sum);
    dp[m] = probability * (dp[m] - delta) * scale;
    scores[m] = probability;
  }
  if (hash.active()) hash.apply(scores, scores, first, keys);
  if (mask == nullptr) return;
  for (int64_t m = 0; m < keys; ++m) {
    dp[m] = mask[m] ? dp[m] : T(0);
    scores[m] = mask[m] ? scores[m] : T(0);
  }
}

template <class T>
constexpr AttentionLoops<T> attention_loops() {
  return {softmax<T>, softmax_gradient<T>, dropout_row<T>};
}

template <class E>
constexpr DotLoops<E> dot_loops() {
  return {[](const E* a, const E* b, int64_t count) {
    return fixed_order_sum<ComputeType<E>>(count,
                                           [&](int64_t i) { return load(a[i]) * load(b[i]); });
  }};
}

}  // namespace
}  // namespace linformer::cpu
