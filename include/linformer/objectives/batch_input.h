#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/data/batch.h"
#include "linformer/nn/encoder.h"

namespace linformer {

/// The encoder's input for a batch; no mask if there is no padding. On the CPU it borrows the
/// batch's memory, on other devices it is a copy. The mask stays on the CPU, where Encoder reads
/// it.
EncoderInput encoder_input(const Batch& batch, at::Device device = at::kCPU);

/// The embeddings' output and each layer's at the T tokens of the batch that are not padding:
/// (T, C) each; no gradients, no dropout.
std::vector<at::Tensor> token_states(const Encoder& encoder, const Batch& batch);

}  // namespace linformer
