#include "linformer/objectives/masked_lm_loss.h"

#include <ATen/ATen.h>

namespace linformer {
namespace {

/// A batch's numbers on the device. On the CPU they are the batch's own memory; to another device
/// they are copied without waiting for it (CUDA has taken pageable memory when the call returns).
/// ATen wants a pointer to mutable memory; nothing writes through it.
template <class T>
at::Tensor copy_of(const std::vector<T>& values, at::IntArrayRef shape, at::ScalarType type,
                   at::Device device) {
  return at::from_blob(const_cast<T*>(values.data()), shape, at::TensorOptions().dtype(type))
      .to(device, /*non_blocking=*/true);
}

struct MaskedStates {
  at::Tensor hidden;  // (M, C)
  at::Tensor labels;  // (M)
};

MaskedStates masked_states(const Model& model, const Batch& batch, ForwardContext& context) {
  const at::Device device = model.parameters().device();
  const auto count = static_cast<int64_t>(batch.masked_labels.size());
  const at::Tensor positions = copy_of(batch.masked_positions, {count}, at::kLong, device);
  const at::Tensor labels = copy_of(batch.masked_labels, {count}, at::kLong, device);
  const at::Tensor hidden = model.encoder().forward(encoder_input(batch, device), context);
  return {hidden.flatten(0, 1).index_select(0, positions), labels};
}

}  // namespace

EncoderInput encoder_input(const Batch& batch, at::Device device) {
  EncoderInput input;
  const std::vector<int64_t> shape{batch.num_sequences, batch.length};
  input.input_ids = copy_of(batch.input_ids, shape, at::kLong, device);
  if (batch.has_padding) {
    input.mask = copy_of(batch.attention_mask, shape, at::kByte, device).to(at::kBool);
  }
  if (!batch.token_type_ids.empty()) {
    input.token_type_ids = copy_of(batch.token_type_ids, shape, at::kLong, device);
  }
  return input;
}

LossSum masked_lm_loss(const Model& model, const Batch& batch, ForwardContext& context) {
  const MaskedStates states = masked_states(model, batch, context);
  return {model.masked_lm_head().loss_sum(states.hidden, states.labels), states.labels.size(0)};
}

std::vector<double> masked_lm_losses(const Model& model, const Batch& batch) {
  const at::NoGradGuard no_grad;
  ForwardContext evaluation;
  const MaskedStates states = masked_states(model, batch, evaluation);
  if (states.labels.size(0) == 0) return {};
  const at::Tensor losses =
      model.masked_lm_head().losses(states.hidden, states.labels).to(at::kCPU, at::kDouble);
  const double* data = losses.data_ptr<double>();
  return {data, data + losses.numel()};
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
