#include "linformer/objectives/masked_lm_loss.h"

#include <numeric>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/tiny_model.h"

#include "linformer/objectives/batch_input.h"

namespace linformer {
namespace {

/// Rows (0, <mask>, 6, 2) and (0, 4, 2, padding) with labels 5 at (0, 1) and 4 at (1, 1).
Batch small_batch() {
  Batch batch;
  batch.num_sequences = 2;
  batch.length = 4;
  batch.input_ids = {0, 10, 6, 2, 0, 4, 2, 1};
  batch.attention_mask = {1, 1, 1, 1, 1, 1, 1, 0};
  batch.has_padding = true;
  batch.masked_positions = {1, 5};
  batch.masked_labels = {5, 4};
  batch.num_tokens = 7;
  return batch;
}

TEST(MaskedLmTask, LossIsTheSumOverTheLabelsOfTheFullSoftmax) {
  const Model model(tiny_model(), 3);
  const Batch batch = small_batch();
  ForwardContext context;
  const LossSum loss = masked_lm_loss(model, batch, context);
  EXPECT_EQ(loss.num_labels, 2);
  const at::NoGradGuard no_grad;
  const EncoderInput input = encoder_input(batch);
  const at::Tensor hidden = model.encoder().forward(input.input_ids, input.mask, context);
  const at::Tensor log_p = at::log_softmax(model.masked_lm_head().logits(hidden.flatten(0, 1)), 1);
  const double expected = -log_p[1][5].item<double>() - log_p[5][4].item<double>();
  EXPECT_NEAR(loss.sum.item<double>(), expected, 1e-5);
  const std::vector<double> each = masked_lm_losses(model, batch);
  ASSERT_EQ(each.size(), 2u);
  EXPECT_NEAR(each[0], -log_p[1][5].item<double>(), 1e-5);
  EXPECT_NEAR(each[1], -log_p[5][4].item<double>(), 1e-5);
  const MaskedLmScores scores = masked_lm_scores(model, batch);
  EXPECT_EQ(scores.losses, each);
  ASSERT_EQ(scores.best.size(), 2u);
  EXPECT_EQ(scores.best[0], log_p[1].argmax().item<int64_t>());
  EXPECT_EQ(scores.best[1], log_p[5].argmax().item<int64_t>());
}

TEST(MaskedLmTask, ABatchWithoutLabelsIsZeroAndHasGradients) {
  const Model model(tiny_model(), 3);
  Batch batch = small_batch();
  batch.masked_positions.clear();
  batch.masked_labels.clear();
  ForwardContext context;
  const LossSum loss = masked_lm_loss(model, batch, context);
  EXPECT_EQ(loss.num_labels, 0);
  EXPECT_EQ(loss.sum.item<double>(), 0.0);
  loss.sum.backward();
  const at::Tensor gradient = model.parameters().get("lm_head.dense.weight").grad();
  EXPECT_TRUE(!gradient.defined() || !gradient.ne(0).any().item<bool>());
  EXPECT_TRUE(masked_lm_losses(model, batch).empty());
  EXPECT_TRUE(masked_lm_scores(model, batch).best.empty());
}

TEST(MaskedLmTask, MaskIsGivenOnlyWhereThereIsPadding) {
  Batch batch = small_batch();
  EXPECT_TRUE(encoder_input(batch).mask.defined());
  EXPECT_FALSE(encoder_input(batch).mask[1][3].item<bool>());
  batch.has_padding = false;
  EXPECT_FALSE(encoder_input(batch).mask.defined());
}

}  // namespace
}  // namespace linformer
