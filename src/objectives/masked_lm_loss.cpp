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
  const at::Tensor labels = copy_of(batch.masked_labels, {count}, at::kLong, device);
  return {
      model.encoder().forward_rows(encoder_input(batch, device), batch.masked_positions, context),
      labels};
}

template <class T>
std::vector<T> values_of(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kCPU, c10::CppTypeToScalarType<T>::value).contiguous();
  const T* data = values.data_ptr<T>();
  return {data, data + values.numel()};
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
  return values_of<double>(model.masked_lm_head().losses(states.hidden, states.labels));
}

MaskedLmScores masked_lm_scores(const Model& model, const Batch& batch) {
  const at::NoGradGuard no_grad;
  ForwardContext evaluation;
  const MaskedStates states = masked_states(model, batch, evaluation);
  if (states.labels.size(0) == 0) return {};
  const RowScores scores = model.masked_lm_head().scores(states.hidden, states.labels);
  return {values_of<double>(scores.losses), values_of<int64_t>(scores.best)};
}

}  // namespace linformer
