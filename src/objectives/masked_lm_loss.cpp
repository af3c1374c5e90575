#include "linformer/objectives/masked_lm_loss.h"

#include <ATen/ATen.h>

#include "device_copy.h"

#include "linformer/objectives/batch_input.h"

namespace linformer {
namespace {

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

}  // namespace linformer
