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

/// The encoder's input for a batch; no mask if there is no padding. On the CPU it borrows the
/// batch's memory, on other devices it is a copy.
EncoderInput encoder_input(const Batch& batch, at::Device device = at::kCPU);

/// The embeddings' output and each layer's at the T tokens of the batch that are not padding:
/// (T, C) each; no gradients, no dropout.
std::vector<at::Tensor> token_states(const Encoder& encoder, const Batch& batch);

}  // namespace linformer
