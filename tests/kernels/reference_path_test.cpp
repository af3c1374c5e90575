#include "kernels/reference_path.h"

#include "kernels/reference/kernels.h"
#include "torch_test_support.h"

namespace linformer {
namespace {

TEST(ReferencePath, IsActiveWhileOneLives) {
  EXPECT_FALSE(ReferencePath::active());
  {
    const ReferencePath outer;
    EXPECT_TRUE(ReferencePath::active());
    { const ReferencePath inner; }
    EXPECT_TRUE(ReferencePath::active());
  }
  EXPECT_FALSE(ReferencePath::active());
}

TEST(ReferenceDropout, MasksAreThoseOfTheHashBitForBit) {
  for (const uint64_t key : {0ULL, 5ULL, 0xffffffffffffffffULL, 0x123456789abcdef0ULL}) {
    for (const double probability : {0.0, 0.1, 0.5, 0.999}) {
      const DropoutSite site{probability, key};
      for (const auto type : {at::kFloat, at::kDouble}) {
        const at::Tensor hashed = dropout_scale({70, 1000}, type, site);
        const at::Tensor expected = reference::dropout_scale({70, 1000}, type, site);
        EXPECT_TRUE(at::equal(hashed, expected)) << key << " " << probability;
      }
    }
  }
}

}  // namespace
}  // namespace linformer
