#include "linformer/optim/weight_average.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(WeightAverage, DecayGrowsToItsValue) {
  EXPECT_DOUBLE_EQ(average_decay_at(0.999, 0), 0.1);       // 1 / 10
  EXPECT_DOUBLE_EQ(average_decay_at(0.999, 8), 0.5);       // 9 / 18
  EXPECT_DOUBLE_EQ(average_decay_at(0.999, 9000), 0.999);  // 9001 / 9010 is more
  EXPECT_DOUBLE_EQ(average_decay_at(0.25, 2), 0.25);       // 3 / 12
}

TEST(WeightAverage, ByHand) {
  const at::Tensor weight = at::tensor({1.0, 0.0}, at::kFloat).set_requires_grad(true);
  WeightAverage average({{"w", weight}}, /*decay=*/0.25);
  const auto set = [&](double a, double b) {
    weight.detach().copy_(at::tensor({a, b}, at::kFloat));
  };
  set(11.0, 20.0);
  average.update(0);  // d = 0.1: (1, 0) + 0.9 (10, 20) = (10, 18)
  set(14.0, 22.0);
  average.update(2);  // d = 0.25: (10, 18) + 0.75 (4, 4) = (13, 21)
  EXPECT_EQ(average.state().front().first, "w");
  EXPECT_TRUE(at::allclose(average.state().front().second, at::tensor({13.0, 21.0}, at::kFloat)));
  average.restart();
  EXPECT_TRUE(at::equal(average.state().front().second, at::tensor({14.0, 22.0}, at::kFloat)));
}

TEST(WeightAverage, StandsInForTheWeightsAndGivesThemBack) {
  const at::Tensor weight = at::tensor({1.0}, at::kFloat).set_requires_grad(true);
  const at::Tensor handle = weight;  // as a module holds it
  WeightAverage average({{"w", weight}}, 0.5);
  weight.detach().fill_(3.0);
  const void* memory = weight.data_ptr();
  {
    const WeightAverage::InPlace averaged(average);
    EXPECT_EQ(handle.item<double>(), 1.0);
    EXPECT_TRUE(handle.requires_grad());
  }
  EXPECT_EQ(handle.item<double>(), 3.0);
  EXPECT_EQ(handle.data_ptr(), memory);
  EXPECT_EQ(average.state().front().second.item<double>(), 1.0);
  average.update(1);  // d = 2 / 11: 1 + 9/11 * 2
  EXPECT_NEAR(average.state().front().second.item<double>(), 1.0 + 18.0 / 11.0, 1e-6);
}

TEST(WeightAverage, EachExchangeRaisesTheVersionOfTheWeights) {
  const at::Tensor weight = at::tensor({1.0}, at::kFloat).set_requires_grad(true);
  WeightAverage average({{"w", weight}}, 0.5);
  const auto before = weight._version();
  std::optional<WeightAverage::InPlace> averaged(average);
  const auto within = weight._version();
  averaged.reset();
  EXPECT_GT(within, before);
  EXPECT_GT(weight._version(), within);
}

}  // namespace
}  // namespace linformer
