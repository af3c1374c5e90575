#pragma once

#include <cstdint>

#include "linformer/kernels/own_products.h"

extern "C" {
void sgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
            const float* beta, float* c, const int* ldc);
void dgemm_(const char* transa, const char* transb, const int* m, const int* n, const int* k,
            const double* alpha, const double* a, const int* lda, const double* b, const int* ldb,
            const double* beta, double* c, const int* ldc);
}

namespace linformer {

enum class Transpose { kNo, kYes };

inline void blas_gemm(const char* ta, const char* tb, int m, int n, int k, float alpha,
                      const float* a, int lda, const float* b, int ldb, float beta, float* c,
                      int ldc) {
  sgemm_(ta, tb, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
}
inline void blas_gemm(const char* ta, const char* tb, int m, int n, int k, double alpha,
                      const double* a, int lda, const double* b, int ldb, double beta, double* c,
                      int ldc) {
  dgemm_(ta, tb, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
}

/// Row-major C (m, n) = alpha op(A) op(B) + beta C on the calling thread, with LibTorch's own BLAS
/// (which runs on one thread inside a parallel region). ld* are row strides.
template <class T>
void gemm(Transpose ta, Transpose tb, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  OwnProductCounter::add(m * n * k);
  // BLAS is column-major: C^T = op(B)^T op(A)^T.
  blas_gemm(tb == Transpose::kYes ? "T" : "N", ta == Transpose::kYes ? "T" : "N",
            static_cast<int>(n), static_cast<int>(m), static_cast<int>(k), alpha, b,
            static_cast<int>(ldb), a, static_cast<int>(lda), beta, c, static_cast<int>(ldc));
}

}  // namespace linformer
