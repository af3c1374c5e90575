#include "linformer/objectives/masked_lm_pass.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "device_copy.h"

#include "linformer/kernels/device_transfer.h"
#include "linformer/kernels/linear_cross_entropy.h"

namespace linformer {
namespace {

static_assert(kNoPrediction == kIgnoredLabel);

/// The numbers into memory of the device.
void send(const std::vector<int64_t>& numbers, const at::Tensor& target) {
  send_to_device(view_of(numbers, target.sizes(), at::kLong), target);
}

}  // namespace

MaskedLmPass::MaskedLmPass(const Model& model, const Shape& shape) : model_(model), shape_(shape) {
  const auto numbers = at::TensorOptions().dtype(at::kLong).device(model.parameters().device());
  const int64_t predictions = shape.predictions.in_batch;
  input_.input_ids = at::zeros({shape.num_sequences, shape.length}, numbers);
  input_.mask = at::zeros({shape.num_sequences, shape.length}, numbers.dtype(at::kBool));
  labels_ = at::zeros({predictions}, numbers);
  chosen_.rows.length = shape.length;
  chosen_.rows.most = shape.predictions.most_in_sequence;
  chosen_.rows.numbers = at::zeros({predictions}, numbers);
  chosen_.rows.places = at::zeros({predictions}, numbers);
  chosen_.rows.positions = at::zeros({predictions}, numbers);
  chosen_.rows.mask = at::zeros({shape.num_sequences, shape.predictions.most_in_sequence},
                                numbers.dtype(at::kBool));
  chosen_.index = chosen_.rows.numbers;
}

bool MaskedLmPass::take(const Batch& batch) {
  if (batch.num_sequences != shape_.num_sequences || batch.length > shape_.length ||
      !batch.token_type_ids.empty()) {
    return false;
  }
  const std::optional<Batch> fixed =
      with_fixed_predictions(with_length(batch, shape_.length), shape_.predictions);
  if (!fixed) return false;
  const PackedRows rows = chosen_rows(fixed->masked_positions, shape_.num_sequences, shape_.length,
                                      at::kCPU, shape_.predictions.most_in_sequence);
  send_to_device(view_of(fixed->attention_mask, input_.mask.sizes(), at::kByte).to(at::kBool),
                 input_.mask);
  send(fixed->input_ids, input_.input_ids);
  send(fixed->masked_labels, labels_);
  send_to_device(rows.numbers, chosen_.rows.numbers);
  send_to_device(rows.places, chosen_.rows.places);
  send_to_device(rows.positions, chosen_.rows.positions);
  send_to_device(rows.mask, chosen_.rows.mask);
  chosen_.rows.starts = rows.starts;  // kernels for CUDA read its length and its last number alone
  return true;
}

at::Tensor MaskedLmPass::loss_sum(ForwardContext& context) const {
  return model_.masked_lm_head().loss_sum(model_.encoder().forward_rows(input_, chosen_, context),
                                          labels_);
}

std::unique_ptr<MaskedLmPass> masked_lm_pass(const Model& model, int64_t num_sequences,
                                             double mlm_probability) {
  const int64_t length = model.config().max_sequence_length;
  return std::make_unique<MaskedLmPass>(
      model, MaskedLmPass::Shape{num_sequences, length,
                                 fixed_predictions(num_sequences, length, mlm_probability)});
}

std::unique_ptr<MaskedLmPass> masked_lm_pass(const Model& model, const PretrainConfig& config) {
  const double most =
      std::max(config.data.mlm_probability, config.data.final_mlm_probability.value_or(0.0));
  return masked_lm_pass(model, config.training.micro_batch_size, most);
}

}  // namespace linformer
