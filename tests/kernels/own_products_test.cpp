#include "linformer/kernels/own_products.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "linformer/kernels/attention.h"

namespace linformer {
namespace {

TEST(OwnProducts, CountsTheProductsOfAttention) {
  // Queries 64 x 8, keys 48 x 8, two heads of 4, three sequences:
  // scores and mixing take 3 x 2 x 64 x 48 x 4 multiply-adds each.
  const at::Tensor query = at::randn({3, 64, 8});
  const at::Tensor key = at::randn({3, 48, 8});
  {
    const OwnProductCounter counter;
    at::mm(at::ones({5, 5}), at::ones({5, 5}));  // LibTorch's own
    EXPECT_EQ(counter.multiply_adds(), 0);
    dropout_attention(query, key, key, 2, {}, {});
    EXPECT_EQ(counter.multiply_adds(), 2 * 3 * 2 * 64 * 48 * 4);
    EXPECT_THROW(OwnProductCounter(), std::logic_error);
  }
  const OwnProductCounter next;
  EXPECT_EQ(next.multiply_adds(), 0);
}

TEST(OwnProducts, CountsTheTilesOfAWindow) {
  // Window 32 in tiles of 16 queries. The keys at most 16 away from a tile's queries are
  // [0, 32), [0, 48), [16, 64), [32, 64): 32 + 48 + 48 + 32 = 160, for 16 queries of width 4 each.
  // Kernels with packed products round the keys of a tile to steps of 32: [0, 32), [0, 64),
  // [0, 64), [32, 64) are 192.
  const at::Tensor x = at::randn({1, 64, 4}, at::kDouble);
  const auto count = [](const at::Tensor& of) {
    const OwnProductCounter counter;
    dropout_attention(of, of, of, 1, {}, {}, 32);
    return counter.multiply_adds();
  };
  EXPECT_EQ(count(x), 2 * 160 * 16 * 4);
  EXPECT_THAT(count(x.to(at::kFloat)), ::testing::AnyOf(2 * 160 * 16 * 4, 2 * 192 * 16 * 4));
}

}  // namespace
}  // namespace linformer
