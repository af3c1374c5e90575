#include "linformer/nn/classification_head.h"

#include <ATen/ATen.h>

#include "linformer/kernels/mixed_precision.h"

namespace linformer {

ClassificationHead::ClassificationHead(const ModelConfig& config, int64_t num_outputs,
                                       ParameterSet& parameters)
    : dropout_probability_(config.hidden_dropout_prob) {
  const int64_t width = config.hidden_size;
  const double deviation = config.resolved_initializer_range();
  dense_weight_ = parameters.add_normal("classifier.dense.weight", ParameterKind::kWeight,
                                        {width, width}, deviation);
  dense_bias_ =
      parameters.add_constant("classifier.dense.bias", ParameterKind::kBias, {width}, 0.0);
  out_weight_ = parameters.add_normal("classifier.out_proj.weight", ParameterKind::kWeight,
                                      {num_outputs, width}, deviation);
  out_bias_ =
      parameters.add_constant("classifier.out_proj.bias", ParameterKind::kBias, {num_outputs}, 0.0);
}

at::Tensor ClassificationHead::logits(const at::Tensor& hidden, const at::Tensor& mask,
                                      ForwardContext& context) const {
  at::Tensor start = hidden.select(1, 0);
  if (mask.defined()) {
    const at::Tensor place = mask.to(at::kLong).argmax(1).view({-1, 1, 1});
    start = hidden.gather(1, place.expand({-1, 1, hidden.size(2)})).squeeze(1);
  }
  const auto drop = [&](const at::Tensor& x) {
    return dropout(x.contiguous(), context.next_dropout(dropout_probability_));
  };
  const auto affine = [](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    return to_full(at::addmm(cast_weight(bias), x, cast_weight(weight).t()));
  };
  const at::Tensor first = drop(start);
  const at::Tensor dense = drop(affine(first, dense_weight_, dense_bias_).tanh());
  return affine(dense, out_weight_, out_bias_);
}

}  // namespace linformer
