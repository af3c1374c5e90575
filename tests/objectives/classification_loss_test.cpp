#include "linformer/objectives/classification_loss.h"

#include <cmath>
#include <stdexcept>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/tiny_model.h"

namespace linformer {
namespace {

/// Rows (0, 9, 6, 2) and (0, 4, 2, padding).
Batch two_rows(std::vector<float> targets) {
  Batch batch;
  batch.num_sequences = 2;
  batch.length = 4;
  batch.input_ids = {0, 9, 6, 2, 0, 4, 2, 1};
  batch.attention_mask = {1, 1, 1, 1, 1, 1, 1, 0};
  batch.has_padding = true;
  batch.targets = std::move(targets);
  batch.num_tokens = 7;
  return batch;
}

TEST(ClassificationTask, LossIsTheSumOfTheCrossEntropies) {
  const Model model(tiny_model(), {HeadType::kClassification, {"a", "b", "c"}}, 3);
  const Batch batch = two_rows({2, 0});
  ForwardContext context;
  const LossSum loss = classification_loss(model, batch, context);
  EXPECT_EQ(loss.num_labels, 2);
  const at::Tensor logits = classification_logits(model, batch);
  ASSERT_EQ(logits.sizes(), at::IntArrayRef({2, 3}));
  double expected = 0.0;
  for (const auto& [row, label] : {std::pair(0, 2), std::pair(1, 0)}) {
    double sum = 0.0;
    for (int c = 0; c < 3; ++c) sum += std::exp(logits[row][c].item<double>());
    expected += std::log(sum) - logits[row][label].item<double>();
  }
  EXPECT_NEAR(loss.sum.item<double>(), expected, 1e-5);
  loss.sum.backward();
  EXPECT_GT(model.parameters().get("classifier.out_proj.bias").grad().abs().sum().item<double>(),
            0.0);
}

TEST(ClassificationTask, LossOfARegressionIsTheSumOfTheSquaredErrors) {
  const Model model(tiny_model(), {HeadType::kRegression, {}}, 3);
  const Batch batch = two_rows({2.5F, -1.0F});
  ForwardContext context;
  const at::Tensor scores = classification_logits(model, batch);
  ASSERT_EQ(scores.sizes(), at::IntArrayRef({2, 1}));
  const double expected = std::pow(scores[0][0].item<double>() - 2.5, 2) +
                          std::pow(scores[1][0].item<double>() + 1.0, 2);
  const LossSum loss = classification_loss(model, batch, context);
  EXPECT_NEAR(loss.sum.item<double>(), expected, 1e-5);
  EXPECT_EQ(loss.num_labels, 2);
}

TEST(ClassificationTask, SegmentsReachTheModel) {
  ModelConfig config = tiny_model();
  config.type_vocab_size = 2;
  const Model model(config, {HeadType::kRegression, {}}, 3);
  Batch batch = two_rows({});
  const at::Tensor without = classification_logits(model, batch);
  batch.token_type_ids.assign(8, 0);
  EXPECT_TRUE(at::equal(classification_logits(model, batch), without));
  batch.token_type_ids = {0, 0, 1, 1, 0, 0, 0, 0};
  const at::Tensor with = classification_logits(model, batch);
  EXPECT_FALSE(at::equal(with[0], without[0]));
  EXPECT_TRUE(at::allclose(with[1], without[1], 1e-5, 1e-6));
}

TEST(ClassificationTask, ABatchWithoutTargetsIsAMistakeOfTheCaller) {
  const Model model(tiny_model(), {HeadType::kRegression, {}}, 3);
  ForwardContext context;
  EXPECT_THROW(classification_loss(model, two_rows({}), context), std::logic_error);
  EXPECT_EQ(classification_logits(model, two_rows({})).size(0), 2);
}

}  // namespace
}  // namespace linformer
