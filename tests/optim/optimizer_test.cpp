#include "linformer/optim/optimizer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(ClipFactor, ByHand) {
  EXPECT_DOUBLE_EQ(clip_factor(0.5, 1.0), 1.0);
  EXPECT_NEAR(clip_factor(4.0, 1.0), 0.25, 1e-6);
  EXPECT_DOUBLE_EQ(clip_factor(0.0, 1.0), 1.0);
  EXPECT_DOUBLE_EQ(clip_factor(1e9, 0.0), 1.0);  // off
}

TEST(Optimizer, IsTheOneThatTheConfigurationNames) {
  // From w = 3 with gradient 1 and without decay, the first step of AdamW is the learning rate,
  // that of LAMB the learning rate times |w|.
  for (const auto& [type, expected] :
       {std::pair(OptimizerType::kAdamw, 3.0 - 0.1), std::pair(OptimizerType::kLamb, 3.0 - 0.3)}) {
    const at::Tensor weight = at::full({1}, 3.0).set_requires_grad(true);
    OptimizerConfig config;
    config.type = type;
    config.weight_decay = 0.0;
    const auto optimizer = make_optimizer({{"w", weight}}, config);
    weight.mutable_grad() = at::ones({1});
    optimizer->step(0.1, 1.0);
    EXPECT_NEAR(weight.item<double>(), expected, 1e-5) << name_of(type);
    EXPECT_EQ(optimizer->num_updates(), 1);
    ASSERT_EQ(optimizer->state().size(), 2u);
    EXPECT_EQ(optimizer->state().front().first, "exp_avg.w");
  }
}

TEST(Optimizer, MarksTheWeightsAsChanged) {
  // Who keeps a copy of a weight looks at its version (cast_weight).
  for (const auto type : {OptimizerType::kAdamw, OptimizerType::kLamb}) {
    const at::Tensor weight = at::ones({2}).set_requires_grad(true);
    OptimizerConfig config;
    config.type = type;
    const auto optimizer = make_optimizer({{"w", weight}}, config);
    weight.mutable_grad() = at::ones({2});
    const auto before = weight._version();
    optimizer->step(0.1, 1.0);
    EXPECT_GT(weight._version(), before);
  }
}

TEST(Optimizer, LeavesToOtherProcessesWhatIsTheirs) {
  const at::Tensor mine = at::zeros({1}).set_requires_grad(true);
  const at::Tensor theirs = at::zeros({1}).set_requires_grad(true);
  const auto optimizer = make_optimizer(
      {{"mine", mine}, {"theirs", theirs, ParameterRole::kWeight, /*updated_here=*/false}}, {});
  mine.mutable_grad() = at::full({1}, 3.0);
  theirs.mutable_grad() = at::full({1}, 4.0);
  EXPECT_DOUBLE_EQ(optimizer->gradient_norm(), 5.0);  // of all gradients
  optimizer->step(0.1, 1.0);
  EXPECT_NE(mine.item<double>(), 0.0);
  EXPECT_EQ(theirs.item<double>(), 0.0);
  EXPECT_EQ(optimizer->state().size(), 2u);
  optimizer->zero_grad();
  EXPECT_FALSE(theirs.grad().defined());
}

}  // namespace
}  // namespace linformer
