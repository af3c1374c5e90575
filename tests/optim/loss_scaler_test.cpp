#include "linformer/optim/loss_scaler.h"

#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

LossScaleConfig config_of(double initial, int64_t interval, double minimum = 1.0) {
  LossScaleConfig config;
  config.initial = initial;
  config.growth_interval = interval;
  config.minimum = minimum;
  return config;
}

/// The scale after each of these steps.
std::vector<double> scales_after(LossScaler scaler, const std::vector<bool>& finite) {
  std::vector<double> scales;
  for (const bool good : finite) {
    scaler.update(good);
    scales.push_back(scaler.scale());
  }
  return scales;
}

TEST(LossScaler, GrowsAfterTheIntervalAndFallsAtOnce) {
  EXPECT_EQ(scales_after(LossScaler(config_of(8.0, 3)),
                         {true, true, true, true, true, false, true, true, true}),
            // two good steps, the third doubles; two more, then an overflow halves and starts over
            (std::vector<double>{8, 8, 16, 16, 16, 8, 8, 8, 16}));
}

TEST(LossScaler, FollowsTheFactorsOfItsConfiguration) {
  LossScaleConfig config = config_of(100.0, 1);
  config.growth_factor = 1.5;
  config.backoff_factor = 0.25;
  EXPECT_EQ(scales_after(LossScaler(config), {true, false, false}),
            (std::vector<double>{150, 37.5, 9.375}));
}

TEST(LossScaler, StopsAtTheMinimumAndAtTheLargestScale) {
  LossScaler scaler(config_of(4.0, 1, /*minimum=*/2.0));
  EXPECT_FALSE(scaler.at_minimum());
  scaler.update(false);
  EXPECT_TRUE(scaler.at_minimum());
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), 2.0);
  EXPECT_EQ(scaler.state().num_skipped, 2);
  LossScaler large(config_of(1 << 29, 1));
  EXPECT_EQ(scales_after(large, {true, true}), (std::vector<double>{1 << 30, 1 << 30}));
}

TEST(LossScaler, UnscaleDividesInPlaceAndFindsWhatIsNotFinite) {
  const LossScaler scaler(config_of(1024.0, 10));
  const at::Tensor a = at::tensor({1024.0f, -512.0f}), b = at::tensor({3072.0f});
  EXPECT_TRUE(scaler.unscale({a, b}));
  EXPECT_TRUE(at::equal(a, at::tensor({1.0f, -0.5f})));
  EXPECT_EQ(b.item<float>(), 3.0f);
  for (const float bad :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_FALSE(scaler.unscale({at::tensor({1.0f}), at::tensor({0.0f, bad})}));
  }
  EXPECT_TRUE(scaler.unscale({}));
}

TEST(LossScaler, GoesOnFromItsState) {
  const std::vector<bool> steps{true, false, true, true, true, true, false, true};
  LossScaler whole(config_of(8.0, 2));
  const std::vector<double> expected = scales_after(whole, steps);
  for (size_t half = 0; half <= steps.size(); ++half) {
    LossScaler first(config_of(8.0, 2));
    for (size_t i = 0; i < half; ++i) first.update(steps[i]);
    LossScaler second(config_of(1.0, 2));
    second.set_state(first.state());
    EXPECT_EQ(second.state(), first.state());
    EXPECT_EQ(scales_after(second, {steps.begin() + static_cast<long>(half), steps.end()}),
              (std::vector<double>{expected.begin() + static_cast<long>(half), expected.end()}));
  }
}

}  // namespace
}  // namespace linformer
