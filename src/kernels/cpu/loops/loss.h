#pragma once

#include <limits>

#include "../../element_functions.h"
#include "../element_loops.h"
#include "fixed_order_sum.h"

namespace linformer::cpu {
namespace {

/// The place of the first of the largest numbers; 0 if all are NaN.
template <class T>
int64_t place_of(const T* numbers, T largest, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (numbers[i] == largest) return i;
  }
  return 0;
}

template <class T>
T row_loss(T* logits, const T* bias, int64_t vocabulary, int64_t label, T& normalizer,
           int64_t* best) {
  T largest = -std::numeric_limits<T>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t v = 0; v < vocabulary; ++v) {
    logits[v] += bias[v];
    largest = logits[v] > largest ? logits[v] : largest;
  }
  if (best != nullptr) *best = place_of(logits, largest, vocabulary);
  const T target = logits[label];
  // Short blocks are summed in T and added up in double, since one long sum of floats loses digits.
  constexpr int64_t kBlock = 1024;
  double total = 0.0;
  for (int64_t first = 0; first < vocabulary; first += kBlock) {
    const int64_t size = vocabulary - first < kBlock ? vocabulary - first : kBlock;
    T* const block = logits + first;
    total += static_cast<double>(fixed_order_sum<T>(
        size, [&](int64_t v) { return block[v] = fast_exp(block[v] - largest); }));
  }
  normalizer = static_cast<T>(total);
  return largest + static_cast<T>(__builtin_log(total)) - target;
}

template <class T>
void row_loss_gradient(T* row, T* grad_bias, int64_t vocabulary, int64_t label, T normalizer) {
  const T inverse = T(1) / normalizer;
  row[label] -= normalizer;
#pragma omp simd
  for (int64_t v = 0; v < vocabulary; ++v) {
    row[v] *= inverse;
    grad_bias[v] += row[v];
  }
}

template <class T>
constexpr LossLoops<T> loss_loops() {
  return {row_loss<T>, row_loss_gradient<T>};
}

}  // namespace
}  // namespace linformer::cpu
