#pragma once

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

}  // namespace linformer
