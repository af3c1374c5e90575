#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/data/batch.h"
#include "linformer/nn/model.h"
#include "linformer/train/loss_sum.h"

namespace linformer {

/// Loss of a batch with one target a row: cross-entropy in nats for a classification (targets are
/// class indices), squared error for a regression. num_labels counts the rows. Throws
/// std::logic_error for a batch without targets.
///
/// The tensors inside borrow the batch's memory: keep `batch` until backward() has run.
LossSum classification_loss(const Model& model, const Batch& batch, ForwardContext& context);

/// Scores (B, outputs) on the CPU; no gradients, no dropout.
at::Tensor classification_logits(const Model& model, const Batch& batch);

}  // namespace linformer
