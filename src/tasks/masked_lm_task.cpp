#include "linformer/tasks/masked_lm_task.h"

#include <ATen/ATen.h>

namespace linformer {
namespace {

/// A tensor over a batch's numbers, without a copy. ATen wants a pointer to mutable memory; nothing
/// writes through it.
template <class T>
at::Tensor borrow(const std::vector<T>& values, at::IntArrayRef shape, at::ScalarType type) {
  return at::from_blob(const_cast<T*>(values.data()), shape, at::TensorOptions().dtype(type));
}

struct MaskedStates {
  at::Tensor hidden;  // (M, C)
  at::Tensor labels;  // (M)
};

MaskedStates masked_states(const MaskedLmModel& model, const Batch& batch,
                           ForwardContext& context) {
  const at::Device device = model.parameters().device();
  const at::Tensor hidden = model.encoder().forward(encoder_input(batch, device), context);
  const auto count = static_cast<int64_t>(batch.masked_labels.size());
  const at::Tensor positions = borrow(batch.masked_positions, {count}, at::kLong).to(device);
  return {hidden.flatten(0, 1).index_select(0, positions),
          borrow(batch.masked_labels, {count}, at::kLong).to(device)};
}

}  // namespace

EncoderInput encoder_input(const Batch& batch, at::Device device) {
  EncoderInput input;
  input.input_ids =
      borrow(batch.input_ids, {batch.num_sequences, batch.length}, at::kLong).to(device);
  if (batch.has_padding) {
    input.mask = borrow(batch.attention_mask, {batch.num_sequences, batch.length}, at::kByte)
                     .to(device)
                     .to(at::kBool);
  }
  if (!batch.token_type_ids.empty()) {
    input.token_type_ids =
        borrow(batch.token_type_ids, {batch.num_sequences, batch.length}, at::kLong).to(device);
  }
  return input;
}

LossSum masked_lm_loss(const MaskedLmModel& model, const Batch& batch, ForwardContext& context) {
  const MaskedStates states = masked_states(model, batch, context);
  return {model.head().loss_sum(states.hidden, states.labels), states.labels.size(0)};
}

std::vector<double> masked_lm_losses(const MaskedLmModel& model, const Batch& batch) {
  const at::NoGradGuard no_grad;
  ForwardContext evaluation;
  const MaskedStates states = masked_states(model, batch, evaluation);
  if (states.labels.size(0) == 0) return {};
  const at::Tensor losses =
      model.head().losses(states.hidden, states.labels).to(at::kCPU, at::kDouble);
  const double* data = losses.data_ptr<double>();
  return {data, data + losses.numel()};
}

}  // namespace linformer
