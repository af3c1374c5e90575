#pragma once

#include "../element_loops.h"
#include "fixed_order_sum.h"

namespace linformer::cpu {
namespace {

/// The element of the dropout site at which a row begins.
inline uint32_t first_element(const int64_t* rows, int64_t row, int64_t width) {
  return static_cast<uint32_t>((rows == nullptr ? row : rows[row]) * width);
}

inline float square_root(float x) {
  return __builtin_sqrtf(x);
}
inline double square_root(double x) {
  return __builtin_sqrt(x);
}

template <class T, class X, class Y>
void norm_row(const NormForward<T, X, Y>& a, const DropoutHash& hash, int64_t row) {
  const int64_t width = a.width;
  const X* x = a.x + row * width;
  T* s = a.sum + row * width;
  Y* y = a.normalized + row * width;
#pragma omp simd
  for (int64_t c = 0; c < width; ++c) s[c] = load(x[c]);
  if (a.bias != nullptr) {
    for (int64_t c = 0; c < width; ++c) s[c] += a.bias[c];
  }
  if (hash.active()) hash.apply(s, s, first_element(a.rows, row, width), width);
  if (a.residual != nullptr) {
    const T* r = a.residual + row * width;
    for (int64_t c = 0; c < width; ++c) s[c] += r[c];
  }
  const auto count = static_cast<T>(width);
  const T mean = a.shift == nullptr
                     ? T(0)
                     : fixed_order_sum<T>(width, [&](int64_t c) { return s[c]; }) / count;
  const T squares = fixed_order_sum<T>(width, [&](int64_t c) {
    const T distance = s[c] - mean;
    return distance * distance;
  });
  const T inverse = T(1) / square_root(squares / count + a.epsilon);
  if (a.shift == nullptr) {
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) store(s[c] * inverse * a.weight[c], y[c]);
  } else {
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      store((s[c] - mean) * inverse * a.weight[c] + a.shift[c], y[c]);
    }
  }
  a.mean[row] = mean;
  a.inverse_stddev[row] = inverse;
}

/// Writes the gradient of the row's sum without that of its other users, and adds to the gradients
/// of weight and shift.
template <class T, class X, class Y>
void norm_gradient_of_sum(const NormBackward<T, X, Y>& a, int64_t row, T* dweight, T* dshift) {
  const int64_t width = a.width;
  const T* s = a.sum + row * width;
  T* ds = a.grad_residual + row * width;
  const Y* dy = a.grad_normalized + row * width;
  const T mean = a.mean[row];
  const T inverse = a.inverse_stddev[row];
  Lanes<T> sum_g;
  Lanes<T> sum_gx;
  for_lanes(
      width, [&](int64_t first, int64_t size) __attribute__((always_inline)) {
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) {
          const int64_t c = first + i;
          const T normal = (s[c] - mean) * inverse;
          const T d = load(dy[c]);
          const T g = d * a.weight[c];
          sum_g.lane[i] += g;
          sum_gx.lane[i] += g * normal;
          dweight[c] += d * normal;
          dshift[c] += d;
        }
      });
  const auto count = static_cast<T>(width);
  const T mean_g = a.centred ? sum_g.total() / count : T(0);
  const T mean_gx = sum_gx.total() / count;
#pragma omp simd
  for (int64_t c = 0; c < width; ++c) {
    const T normal = (s[c] - mean) * inverse;
    ds[c] = inverse * (load(dy[c]) * a.weight[c] - mean_g - normal * mean_gx);
  }
}

// sums: gradients of weight, shift and bias, one after the other.
template <class T, class X, class Y>
void norm_gradient_row(const NormBackward<T, X, Y>& a, const DropoutHash& hash, int64_t row,
                       T* sums) {
  const int64_t width = a.width;
  T* ds = a.grad_residual + row * width;
  T* dbias = sums + 2 * width;
  if (a.grad_normalized != nullptr) {
    norm_gradient_of_sum(a, row, sums, sums + width);
  } else {
    for (int64_t c = 0; c < width; ++c) ds[c] = T(0);
  }
  if (a.grad_sum != nullptr) {
    const T* upstream = a.grad_sum + row * width;
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) ds[c] += upstream[c];
  }
  if (a.grad_x == nullptr) {
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) dbias[c] += ds[c];
    return;
  }
  X* dx = a.grad_x + row * width;
  const DropoutHash own = hash;  // without aliasing
  if (!own.active()) {
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      store(ds[c], dx[c]);
      dbias[c] += load(dx[c]);
    }
    return;
  }
  const uint32_t first = first_element(a.rows, row, width);
  const T scale = static_cast<T>(own.scale());
  // In pieces, since compilers make slow code of the hash and of rounding in one loop.
  for_lanes(
      width, [&](int64_t begin, int64_t size) __attribute__((always_inline)) {
        T gradient[kLanes];
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) {
          const bool kept = own.keeps(first + static_cast<uint32_t>(begin + i));
          gradient[i] = kept ? ds[begin + i] * scale : T(0);
        }
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) {
          store(gradient[i], dx[begin + i]);
          dbias[begin + i] += load(dx[begin + i]);
        }
      });
}

template <class T, class X, class Y>
constexpr NormLoops<T, X, Y> norm_loops() {
  return {
      .norm =
          [](const NormForward<T, X, Y>& a, const DropoutHash& hash, int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row) norm_row(a, hash, row);
          },
      .norm_gradient =
          [](const NormBackward<T, X, Y>& a, const DropoutHash& hash, int64_t begin, int64_t end,
             T* sums) {
            for (int64_t row = begin; row < end; ++row) norm_gradient_row(a, hash, row, sums);
          }};
}

}  // namespace
}  // namespace linformer::cpu
