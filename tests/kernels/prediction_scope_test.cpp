#include "linformer/kernels/prediction_scope.h"

#include <gmock/gmock.h>

#include "torch_test_support.h"

#include "linformer/core/error.h"
#include "linformer/kernels/weight_product.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(PredictionScope, ChoosesTheTypeOfProductsWithWeights) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({4, 32});
  const at::Tensor weight = at::randn({5, 32}).set_requires_grad(true);
  const at::Tensor expected = weight_product(x, weight);
  {
    const PredictionScope scope(PredictionPrecision::kFp32, at::kCPU);
    EXPECT_TRUE(at::equal(weight_product(x, weight), expected));
  }
  {
    const PredictionScope scope(PredictionPrecision::kBf16, at::kCPU);
    EXPECT_EQ(weight_product(x, weight).scalar_type(), at::kBFloat16);
    EXPECT_FALSE(Int8Scope::active());
  }
  {
    const PredictionScope scope(PredictionPrecision::kInt8, at::kCPU);
    EXPECT_TRUE(Int8Scope::active());
    EXPECT_FALSE(AutocastScope::current().active());
  }
  EXPECT_TRUE(at::equal(weight_product(x, weight), expected));
}

TEST(PredictionScope, RefusesInt8OnAnotherDevice) {
  try {
    const PredictionScope scope(PredictionPrecision::kInt8, at::Device(at::kCUDA, 0));
    FAIL() << "on a GPU";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("int8 is for the CPU, the device is cuda:0"),
                                    HasSubstr("add --device cpu, or use --precision bf16")));
  }
  EXPECT_FALSE(Int8Scope::active());
}

}  // namespace
}  // namespace linformer
