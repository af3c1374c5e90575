#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include <ATen/ATen.h>

#include "element_loops.h"
#include "elements.h"

#include "linformer/kernels/own_products.h"

/// Products of small matrices with oneDNN's kernels ("brgemm"), which LibTorch brings along. They
/// take their right factor packed, and are 2 to 5 times as fast as BLAS where has_packed_products()
/// says so.
///
/// A packed matrix (k, n) is, in float, just itself, row-major. In bf16, rows 2i and 2i + 1 are
/// interleaved: (k / 2, n, 2), with a row of zeros behind an odd k.
namespace linformer::cpu {

/// bf16: the CPU has instructions for it, and a test product comes out right. Float: a CPU with
/// AVX-512 that is not Intel's, where LibTorch's BLAS only uses AVX2. The answer depends on the CPU
/// alone, so a resumed run computes as before.
bool has_packed_products(at::ScalarType type);

/// C (m, n) = A (m, k) B, or C + A B with `add`; on the calling thread. `b` is packed; in bf16, k
/// is even. lda and ldc are row strides, ldb is the number of columns of the whole packed matrix.
void packed_product(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
                    int64_t ldb, float* c, int64_t ldc, bool add);
void packed_product(int64_t m, int64_t n, int64_t k, const at::BFloat16* a, int64_t lda,
                    const at::BFloat16* b, int64_t ldb, float* c, int64_t ldc, bool add);

/// To be called by a thread after its last product for now.
void end_packed_products();

/// The number of rows or columns that a packed matrix has for k of them.
template <class T>
int64_t padded(int64_t k) {
  return std::is_same_v<T, float> ? k : k + k % 2;
}

/// Stores (rows, width) in another type, with zeros in columns [width, padded_width).
inline void store_rows(const float* from, int64_t from_stride, float* to, int64_t to_stride,
                       int64_t rows, int64_t width, int64_t padded_width) {
  for (int64_t row = 0; row < rows; ++row, from += from_stride, to += to_stride) {
    if (from != to) std::copy(from, from + width, to);
    std::fill(to + width, to + padded_width, 0.0F);
  }
}
inline void store_rows(const float* from, int64_t from_stride, at::BFloat16* to, int64_t to_stride,
                       int64_t rows, int64_t width, int64_t padded_width) {
  element_loops().round_rows(from, from_stride, bits_of(to), to_stride, rows, width, padded_width);
}

/// Packs (k, n) out of rows.
inline void pack_rows(const float* from, int64_t stride, int64_t k, int64_t n, float* to) {
  store_rows(from, stride, to, n, k, n, n);
}
inline void pack_rows(const float* from, int64_t stride, int64_t k, int64_t n, at::BFloat16* to) {
  element_loops().pack_floats(from, stride, k, n, bits_of(to));
}
inline void pack_rows(const at::BFloat16* from, int64_t stride, int64_t k, int64_t n,
                      at::BFloat16* to) {
  element_loops().pack_low(bits_of(from), stride, k, n, bits_of(to));
}

/// to (columns, ld) = the transpose of from (rows, columns): to[j * ld + i] = from[i * stride + j].
template <class Number>
void transpose(const Number* from, int64_t stride, int64_t rows, int64_t columns, Number* to,
               int64_t ld) {
  constexpr int64_t kBlock = 16;  // rows that are read side by side
  for (int64_t first = 0; first < rows; first += kBlock) {
    const int64_t last = std::min(first + kBlock, rows);
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t i = first; i < last; ++i) to[j * ld + i] = from[i * stride + j];
    }
  }
}

/// Packs (k, n) out of its transpose, n rows of k numbers. In bf16, k is even.
inline void pack_columns(const float* from, int64_t stride, int64_t k, int64_t n, float* to) {
  transpose(from, stride, n, k, to, n);
}
inline void pack_columns(const at::BFloat16* from, int64_t stride, int64_t k, int64_t n,
                         at::BFloat16* to) {
  // A pair of neighbours moves as one number of 32 bits.
  auto* pairs = reinterpret_cast<uint32_t*>(to);
  constexpr int64_t kBlock = 16;
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t last = std::min(first + kBlock, n);
    for (int64_t pair = 0; pair < k / 2; ++pair) {
      for (int64_t i = first; i < last; ++i) {
        std::memcpy(pairs + pair * n + i, from + i * stride + 2 * pair, sizeof(uint32_t));
      }
    }
  }
}

}  // namespace linformer::cpu
