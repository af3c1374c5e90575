#include "linformer/objectives/batch_input.h"

#include <ATen/ATen.h>

#include "device_copy.h"

namespace linformer {

EncoderInput encoder_input(const Batch& batch, at::Device device) {
  EncoderInput input;
  const std::vector<int64_t> shape{batch.num_sequences, batch.length};
  input.input_ids = copy_of(batch.input_ids, shape, at::kLong, device);
  if (batch.has_padding) {
    input.mask = view_of(batch.attention_mask, shape, at::kByte).to(at::kBool);
  }
  if (!batch.token_type_ids.empty()) {
    input.token_type_ids = copy_of(batch.token_type_ids, shape, at::kLong, device);
  }
  return input;
}

std::vector<at::Tensor> token_states(const Encoder& encoder, const Batch& batch) {
  const at::NoGradGuard no_grad;
  ForwardContext evaluation;
  std::vector<at::Tensor> states;
  const EncoderInput input = encoder_input(batch, encoder.embeddings().word_weight().device());
  encoder.forward(input, evaluation, &states);
  for (at::Tensor& state : states) {
    state = state.flatten(0, 1);
    if (!input.mask.defined()) continue;
    state = state.index_select(0, input.mask.to(state.device()).flatten().nonzero().squeeze(1));
  }
  return states;
}

}  // namespace linformer
