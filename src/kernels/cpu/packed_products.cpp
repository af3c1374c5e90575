#include "packed_products.h"

#include <ATen/native/CPUBlas.h>

namespace linformer::cpu {

void end_packed_products() {
  at::native::cpublas::brgemm_release();
}

namespace {

/// A product whose result is known: an odd number of pairs, and an n that fills no register.
bool multiplies_bf16() {
  constexpr int64_t kRows = 3;
  constexpr int64_t kColumns = 5;
  constexpr int64_t kDepth = 6;
  std::vector<at::BFloat16> a(kRows * kDepth);
  std::vector<float> b(kDepth * kColumns);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 7) - 3.0F;
  for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 5) * 0.5F;
  std::vector<at::BFloat16> packed(b.size());
  pack_rows(b.data(), kColumns, kDepth, kColumns, packed.data());
  std::vector<float> c(kRows * kColumns, -1.0F);
  try {
    at::native::cpublas::brgemm(kRows, kColumns, kDepth, kDepth, kColumns, kColumns,
                                /*add_C=*/false, a.data(), packed.data(), c.data(),
                                /*is_vnni=*/true);
  } catch (const c10::Error&) {
    return false;  // the CPU has no instructions for it
  }
  end_packed_products();
  for (int64_t i = 0; i < kRows; ++i) {
    for (int64_t j = 0; j < kColumns; ++j) {
      float expected = 0.0F;  // exact: all numbers are small multiples of 1/2
      for (int64_t d = 0; d < kDepth; ++d) {
        expected += static_cast<float>(a[static_cast<size_t>(i * kDepth + d)]) *
                    b[static_cast<size_t>(d * kColumns + j)];
      }
      if (c[static_cast<size_t>(i * kColumns + j)] != expected) return false;
    }
  }
  return true;
}

bool prefers_own_float() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_is("intel") == 0;
#else
  return false;
#endif
}

}  // namespace

bool has_packed_products(at::ScalarType type) {
  static const bool in_bf16 = multiplies_bf16();
  static const bool in_float = prefers_own_float();
  return (type == at::kBFloat16 && in_bf16) || (type == at::kFloat && in_float);
}

void packed_product(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
                    int64_t ldb, float* c, int64_t ldc, bool add) {
  OwnProductCounter::add(m * n * k);
  at::native::cpublas::brgemm(m, n, k, lda, ldb, ldc, add, a, b, c, /*is_vnni=*/false);
}

void packed_product(int64_t m, int64_t n, int64_t k, const at::BFloat16* a, int64_t lda,
                    const at::BFloat16* b, int64_t ldb, float* c, int64_t ldc, bool add) {
  OwnProductCounter::add(m * n * k);
  at::native::cpublas::brgemm(m, n, k, lda, ldb, ldc, add, a, b, c, /*is_vnni=*/true);
}

}  // namespace linformer::cpu
