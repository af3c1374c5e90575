#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/data/batch.h"
#include "linformer/nn/model.h"
#include "linformer/train/loss_sum.h"

namespace linformer {

/// Loss of a masked-LM batch in nats; only the masked positions go through the head.
///
/// The tensors inside borrow the batch's memory: keep `batch` until backward() has run.
LossSum masked_lm_loss(const Model& model, const Batch& batch, ForwardContext& context);

/// The same position by position, in nats, in the order of batch.masked_positions; no gradients,
/// no dropout.
std::vector<double> masked_lm_losses(const Model& model, const Batch& batch);

/// What a model says at each masked position, in the order of batch.masked_positions.
struct MaskedLmScores {
  std::vector<double> losses;  ///< those of masked_lm_losses()
  std::vector<int64_t> best;   ///< the most probable id; the lowest of equal ones
};

/// One pass for both; slower than masked_lm_losses() by a look at the logits.
MaskedLmScores masked_lm_scores(const Model& model, const Batch& batch);

}  // namespace linformer
