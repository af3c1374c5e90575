#include "linformer/kernels/precision_speed.h"

#include <gmock/gmock.h>

#include "torch_test_support.h"

#include "linformer/core/error.h"
#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(PrecisionSpeed, FlagsSayWhatTheCpuMultiplies) {
  const std::string plain = "flags : fpu avx2 avx512f avx512vl";
  EXPECT_TRUE(has_native_instructions(plain, Precision::kFp32));
  EXPECT_FALSE(has_native_instructions(plain, Precision::kBf16));
  EXPECT_FALSE(has_native_instructions(plain, Precision::kFp16));
  EXPECT_FALSE(has_native_instructions(plain + " my_avx512_bf16_x", Precision::kBf16));
  for (const char* flag : {" avx512_bf16", " amx_bf16"}) {
    EXPECT_TRUE(has_native_instructions(plain + flag, Precision::kBf16)) << flag;
    EXPECT_FALSE(has_native_instructions(plain + flag, Precision::kFp16)) << flag;
  }
  for (const char* flag : {" avx512_fp16", " amx_fp16"}) {
    EXPECT_TRUE(has_native_instructions(plain + flag, Precision::kFp16)) << flag;
    EXPECT_FALSE(has_native_instructions(plain + flag, Precision::kBf16)) << flag;
  }
  EXPECT_FALSE(has_native_instructions("", Precision::kBf16));
}

std::string refusal(const PrecisionSpeed& speed) {
  try {
    refuse_slow_precision(speed, /*forced=*/false);
  } catch (const UsageError& error) {
    EXPECT_EQ(error.exit_code(), 2);
    return error.what();
  }
  return "";
}

TEST(PrecisionSpeed, SlowOnesAreRefusedWithTheFactor) {
  // 160 / 0.5 = 320
  const PrecisionSpeed slow{Precision::kBf16, 160e9, 0.5e9, false};
  EXPECT_THAT(refusal(slow),
              AllOf(HasSubstr("training.precision: bf16 multiplies matrices 320 times slower"),
                    HasSubstr("0.5 against 160 GFLOP/s"), HasSubstr("no instructions for it"),
                    HasSubstr("--force-slow-precision")));
  refuse_slow_precision(slow, /*forced=*/true);
  const PrecisionSpeed unused{Precision::kFp16, 160e9, 80e9, true};
  EXPECT_THAT(refusal(unused), HasSubstr("instructions for it, but they are not used well"));
}

TEST(PrecisionSpeed, FasterAndEqualOnesPass) {
  EXPECT_EQ(refusal({Precision::kBf16, 160e9, 320e9, true}), "");
  EXPECT_EQ(refusal({Precision::kBf16, 160e9, 150e9, false}), "");  // within the noise
  EXPECT_EQ(refusal({Precision::kFp32, 160e9, 1e9, true}), "");
}

TEST(ChoosePrecision, TakesBf16WhereItIsATenthFaster) {
  const auto choice = [](double full, double low) {
    return choose_precision(PrecisionSpeed{Precision::kBf16, full, low, true}, "this CPU");
  };
  const ChosenPrecision fast = choice(100e9, 250e9);
  EXPECT_EQ(fast.precision, Precision::kBf16);
  EXPECT_EQ(fast.reason,
            "this CPU multiplies it 2.5 times as fast as fp32 (250 against 100 GFLOP/s)");
  EXPECT_EQ(choice(100e9, 115e9).precision, Precision::kBf16);
  for (const double low : {1e9, 100e9, 105e9}) {
    const ChosenPrecision slow = choice(100e9, low);
    EXPECT_EQ(slow.precision, Precision::kFp32) << low;
    EXPECT_THAT(slow.reason, HasSubstr("this CPU multiplies bf16 no faster (")) << low;
  }
}

TEST(ChoosePrecision, OnThisCpuNeedsInstructions) {
  const ChosenPrecision chosen = choose_precision(c10::kCPU);
  EXPECT_FALSE(chosen.reason.empty());
  if (!measure_precision_speed(Precision::kBf16).native) {
    EXPECT_EQ(chosen.precision, Precision::kFp32);
    EXPECT_EQ(chosen.reason, "this CPU has no instructions for bf16");
  }
}

TEST(PrecisionSpeed, AutoComputesInFp32WhereNobodyChose) {
  EXPECT_FALSE(MixedPrecision(Precision::kAuto).active());
  EXPECT_EQ(MixedPrecision(Precision::kAuto).type(), at::kFloat);
}

TEST(PrecisionSpeed, MeasuresBothTypes) {
  const PrecisionSpeed speed = measure_precision_speed(Precision::kBf16);
  EXPECT_EQ(speed.precision, Precision::kBf16);
  EXPECT_GT(speed.full_flops, 1e7);
  EXPECT_GT(speed.low_flops, 1e6);
  EXPECT_EQ(speed.slowdown(), speed.full_flops / speed.low_flops);
}

}  // namespace
}  // namespace linformer
