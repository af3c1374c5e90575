#include "linformer/train/training_step.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "linformer/config/trainer_config.h"

namespace linformer {
namespace {

/// One weight w of two numbers, and the loss sum_i c_i w_i over `labels` labels: its gradient is c.
struct Toy {
  explicit Toy(Precision precision = Precision::kFp32, double max_grad_norm = 0.0) {
    training.precision = precision;
    training.optimizer.weight_decay = 0.0;
    training.optimizer.max_grad_norm = max_grad_norm;
    optimizer = make_optimizer({{"w", weight, ParameterRole::kWeight}}, training.optimizer);
    types = std::make_unique<StepPrecision>(training);
    step = std::make_unique<TrainingStep>(*types, *optimizer, training.optimizer);
  }

  LossSum accumulate(const at::Tensor& factors, int64_t labels) {
    return step->accumulate([&] { return LossSum{(weight * factors).sum(), labels}; });
  }

  at::Tensor weight = at::zeros({2}).set_requires_grad(true);
  TrainingConfig training;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<StepPrecision> types;
  std::unique_ptr<TrainingStep> step;
};

TEST(TrainingStep, GradientsOfMicroBatchesAddUpAndTheNormIsOfTheMean) {
  Toy toy;
  toy.accumulate(at::tensor({3.0f, 0.0f}), 2);
  toy.accumulate(at::tensor({3.0f, 8.0f}), 3);
  // the sum is (6, 8), of norm 10, over 5 labels
  const StepGradients gradients = toy.step->end_passes(5);
  EXPECT_TRUE(gradients.usable);
  EXPECT_DOUBLE_EQ(gradients.norm, 2.0);
  toy.step->drop_gradients();
  EXPECT_FALSE(toy.weight.grad().defined());
}

TEST(TrainingStep, FinishMovesTheWeightsOnceAndDropsTheGradients) {
  Toy toy;
  toy.accumulate(at::tensor({1.0f, -1.0f}), 1);
  toy.step->finish(1, 0.5);
  // AdamW's first update has the size of the learning rate.
  EXPECT_NEAR(toy.weight[0].item<double>(), -0.5, 1e-5);
  EXPECT_NEAR(toy.weight[1].item<double>(), 0.5, 1e-5);
  EXPECT_EQ(toy.optimizer->num_updates(), 1);
  EXPECT_FALSE(toy.weight.grad().defined());
}

TEST(TrainingStep, ClippedGradientsAreWhatTheMomentsTake) {
  for (const double labels : {1.0, 4.0}) {
    Toy clipped(Precision::kFp32, /*max_grad_norm=*/0.5);
    Toy same;
    // Of the mean: (3, 4), of norm 5; clipped to (0.3, 0.4).
    clipped.accumulate(at::tensor({3.0f, 4.0f}) * labels, static_cast<int64_t>(labels));
    clipped.step->finish(static_cast<int64_t>(labels), 0.1);
    same.accumulate(at::tensor({0.3f, 0.4f}), 1);
    same.step->finish(1, 0.1);
    const auto expected = same.optimizer->state();
    const auto actual = clipped.optimizer->state();
    ASSERT_EQ(actual.size(), 2u);
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_TRUE(at::allclose(actual[i].second, expected[i].second, 1e-4, 1e-9));
    }
  }
}

TEST(TrainingStep, AnOverflowOfFp16LeavesWeightsAndMomentsAlone) {
  Toy toy(Precision::kFp16);
  const double scale = toy.types->state().scale;
  toy.accumulate(at::full({2}, 3e38f), 1);  // times the scale: infinite
  toy.step->finish(1, 0.5);
  EXPECT_TRUE(at::equal(toy.weight, at::zeros({2})));
  EXPECT_EQ(toy.optimizer->num_updates(), 0);
  EXPECT_LT(toy.types->state().scale, scale);
  toy.accumulate(at::tensor({1.0f, 1.0f}), 1);
  toy.step->finish(1, 0.5);
  EXPECT_NEAR(toy.weight[0].item<double>(), -0.5, 1e-5);
}

TEST(TrainingStep, AStepWithoutLabelsHasGradientZero) {
  Toy toy;
  toy.accumulate(at::tensor({0.0f, 0.0f}), 0);
  const StepGradients gradients = toy.step->end_passes(0);
  EXPECT_EQ(gradients.norm, 0.0);
}

}  // namespace
}  // namespace linformer
