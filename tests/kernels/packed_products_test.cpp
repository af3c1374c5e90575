// Small products with packed factors, which the CPU's attention uses where the CPU has them.
#include "kernels/cpu/packed_products.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace linformer::cpu {
namespace {

TEST(LowTypes, RoundAsLibTorchDoes) {
  std::vector<float> numbers{0.0F,        -0.0F,       1.0F,
                             1.00390625F, 1.01171875F, -3.1415926F,
                             3e38F,       1e-40F,      std::numeric_limits<float>::infinity()};
  for (int i = 0; i < 2000; ++i) numbers.push_back(std::ldexp(1.0F + 0.00048828125F * i, i % 40));
  for (const float x : numbers) {
    Bf16 ours = 0;
    store(x, ours);
    EXPECT_EQ(ours, at::BFloat16(x).x) << x;
    EXPECT_EQ(load(ours), static_cast<float>(at::BFloat16(x))) << x;
  }
  Bf16 nan = 0;
  store(std::numeric_limits<float>::quiet_NaN(), nan);
  EXPECT_TRUE(std::isnan(load(nan)));
}

TEST(PackRows, InterleavesPairsAndPadsWithZeros) {
  const std::vector<float> rows{1, 2, -1, 3, 4, -1, 5, 6, -1};  // (3, 2) with stride 3
  std::vector<at::BFloat16> packed(8, 9.0F);
  pack_rows(rows.data(), 3, 3, 2, packed.data());
  const std::vector<at::BFloat16> expected{1, 3, 2, 4, 5, 0, 6, 0};
  EXPECT_EQ(packed, expected);
  std::vector<at::BFloat16> low(rows.begin(), rows.end());
  std::vector<at::BFloat16> again(8, 9.0F);
  pack_rows(low.data(), 3, 3, 2, again.data());
  EXPECT_EQ(again, expected);
}

TEST(PackColumns, PacksTheTranspose) {
  const int64_t n = 37;
  const int64_t k = 6;
  const at::Tensor x = at::randn({n, k});
  const at::Tensor low = x.to(at::kBFloat16);
  const at::Tensor columns = low.t().to(at::kFloat).contiguous();
  std::vector<at::BFloat16> packed(static_cast<size_t>(n * k));
  std::vector<at::BFloat16> expected(packed.size());
  pack_columns(low.const_data_ptr<at::BFloat16>(), k, k, n, packed.data());
  pack_rows(columns.const_data_ptr<float>(), n, k, n, expected.data());
  EXPECT_EQ(packed, expected);
  std::vector<float> in_float(packed.size());
  const at::Tensor contiguous = x.contiguous();
  pack_columns(contiguous.const_data_ptr<float>(), k, k, n, in_float.data());
  EXPECT_TRUE(at::equal(at::from_blob(in_float.data(), {k, n}), x.t()));
}

template <class T>
void expect_products(double tolerance) {
  constexpr at::ScalarType kType = c10::CppTypeToScalarType<T>::value;
  if (!has_packed_products(kType)) GTEST_SKIP() << "not on this CPU";
  at::manual_seed(7);
  for (const int64_t m : {1, 5, 128}) {
    for (const int64_t n : {1, 31, 64, 130}) {
      for (const int64_t k : {1, 2, 7, 64}) {
        const int64_t depth = padded<T>(k);
        const at::Tensor a = at::constant_pad_nd(at::randn({m, k}), {0, depth - k}).to(kType);
        const at::Tensor b = at::randn({k, n}).to(kType);
        std::vector<T> packed(static_cast<size_t>(depth * n));
        const at::Tensor rows = b.to(at::kFloat).contiguous();
        pack_rows(rows.const_data_ptr<float>(), n, k, n, packed.data());
        at::Tensor c = at::ones({m, n});
        const at::Tensor expected =
            at::mm(a.to(at::kDouble).narrow(1, 0, k), b.to(at::kDouble)).to(at::kFloat);
        for (const bool add : {false, true}) {
          packed_product(m, n, depth, a.const_data_ptr<T>(), depth, packed.data(), n,
                         c.data_ptr<float>(), n, add);
          const double difference =
              (c - expected * (add ? 2.0 : 1.0)).abs().max().template item<double>();
          EXPECT_LT(difference, tolerance) << m << " " << n << " " << k << " " << add;
        }
      }
    }
  }
  end_packed_products();
}

TEST(PackedProduct, InFloatIsTheProduct) {
  expect_products<float>(1e-4);
}

TEST(PackedProduct, InBf16SumsInFloat) {
  expect_products<at::BFloat16>(1e-4);
}

}  // namespace
}  // namespace linformer::cpu
