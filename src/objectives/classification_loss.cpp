#include "linformer/objectives/classification_loss.h"

#include <stdexcept>

#include <ATen/ATen.h>

#include "linformer/objectives/batch_input.h"

namespace linformer {
namespace {

at::Tensor logits_of(const Model& model, const Batch& batch, ForwardContext& context) {
  const EncoderInput input = encoder_input(batch, model.parameters().device());
  return model.classification_head().logits(model.encoder(), input, context);
}

}  // namespace

LossSum classification_loss(const Model& model, const Batch& batch, ForwardContext& context) {
  const auto rows = static_cast<int64_t>(batch.targets.size());
  if (rows != batch.num_sequences) throw std::logic_error("a batch without targets");
  const at::Tensor logits = logits_of(model, batch, context);
  const at::Tensor targets = at::tensor(batch.targets, at::kFloat).to(logits.device());
  if (model.head_config().type == HeadType::kRegression) {
    return {at::mse_loss(logits.squeeze(1), targets, at::Reduction::Sum), rows};
  }
  return {at::cross_entropy_loss(logits, targets.to(at::kLong), {}, at::Reduction::Sum), rows};
}

at::Tensor classification_logits(const Model& model, const Batch& batch) {
  const at::NoGradGuard no_grad;
  ForwardContext evaluation;
  return logits_of(model, batch, evaluation).to(at::kCPU, at::kFloat);
}

}  // namespace linformer
