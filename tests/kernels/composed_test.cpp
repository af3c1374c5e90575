#include "kernels/composed.h"

#include "kernels/composed/kernels.h"
#include "torch_test_support.h"

namespace linformer {
namespace {

TEST(ComposedPath, IsActiveWhileOneLives) {
  EXPECT_FALSE(ComposedPath::active());
  {
    const ComposedPath outer;
    EXPECT_TRUE(ComposedPath::active());
    { const ComposedPath inner; }
    EXPECT_TRUE(ComposedPath::active());
  }
  EXPECT_FALSE(ComposedPath::active());
}

TEST(ComposedDropout, MasksAreThoseOfTheHashBitForBit) {
  for (const uint64_t key : {0ULL, 5ULL, 0xffffffffffffffffULL, 0x123456789abcdef0ULL}) {
    for (const double probability : {0.0, 0.1, 0.5, 0.999}) {
      const DropoutSite site{probability, key};
      for (const auto type : {at::kFloat, at::kDouble}) {
        const at::Tensor hashed = dropout_scale({70, 1000}, type, site);
        const at::Tensor composed = composed::dropout_scale({70, 1000}, type, site);
        EXPECT_TRUE(at::equal(hashed, composed)) << key << " " << probability;
      }
    }
  }
}

}  // namespace
}  // namespace linformer
