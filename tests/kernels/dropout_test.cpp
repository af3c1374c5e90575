#include "linformer/kernels/dropout.h"

#include "torch_test_support.h"

namespace linformer {
namespace {

TEST(Dropout, ZeroProbabilityReturnsTheInputItself) {
  const at::Tensor x = at::randn({3, 4});
  EXPECT_TRUE(dropout(x, {}).is_same(x));
}

TEST(Dropout, KeepsTheStatedShareAndRescales) {
  const at::Tensor x = at::ones({1000, 1000});
  const at::Tensor y = dropout(x, {0.1, 12345});
  const double dropped = (y == 0).to(at::kDouble).mean().item<double>();
  // 10^6 draws: the standard deviation of the share is 3e-4
  EXPECT_NEAR(dropped, 0.1, 5 * 3e-4);
  EXPECT_TRUE(at::allclose(y.masked_select(y != 0), at::full({1}, 1.0f / 0.9f)));
}

TEST(Dropout, IsAFunctionOfTheKeyAlone) {
  const at::Tensor x = at::randn({64, 64});
  EXPECT_TRUE(at::equal(dropout(x, {0.3, 7}), dropout(x, {0.3, 7})));
  EXPECT_FALSE(at::equal(dropout(x, {0.3, 7}), dropout(x, {0.3, 8})));
  EXPECT_FALSE(at::equal(dropout(x, {0.3, 7}), dropout(x, {0.3, 7ULL << 32})));
}

TEST(Dropout, NeighboursAreIndependent) {
  const at::Tensor kept = dropout_scale({1 << 20}, at::kDouble, {0.5, 99}) / 2.0;
  for (const int64_t lag : {1, 2, 8, 16, 256, 4096}) {
    const int64_t n = kept.size(0) - lag;
    const double both = (kept.narrow(0, 0, n) * kept.narrow(0, lag, n)).mean().item<double>();
    EXPECT_NEAR(both, 0.25, 5 * 0.433 / 1024) << "lag " << lag;
  }
}

TEST(Dropout, BackwardUsesTheForwardMask) {
  at::Tensor x = at::ones({128, 16}).set_requires_grad(true);
  const at::Tensor y = dropout(x, {0.25, 3});
  y.sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), y.detach()));
}

}  // namespace
}  // namespace linformer
