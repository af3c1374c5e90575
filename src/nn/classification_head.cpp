#include "linformer/nn/classification_head.h"

#include <ATen/ATen.h>

#include "linformer/core/special_tokens.h"
#include "linformer/kernels/mixed_precision.h"
#include "linformer/kernels/weight_product.h"

namespace linformer {
namespace {

/// The mean over the tokens (B, N) of each row; 0 where there are none.
at::Tensor mean_over(const at::Tensor& hidden, const at::Tensor& tokens) {
  const at::Tensor weights = tokens.to(hidden.scalar_type()).unsqueeze(2);
  return (hidden * weights).sum(1) / weights.sum(1).clamp_min(1.0);
}

/// (u, v, |u - v|, u v) of the means of two texts.
at::Tensor pair_features(const at::Tensor& hidden, const EncoderInput& input) {
  at::Tensor is_end = input.input_ids == kEosId;
  // Padding may hold any id, also </s>, which would be counted if it stood on the left.
  if (input.mask.defined()) is_end = is_end.logical_and(input.mask);
  const at::Tensor ends = is_end.cumsum(1);
  const auto mean_behind = [&](int64_t count) {
    at::Tensor tokens = (ends == count).logical_and(is_end.logical_not());
    if (input.mask.defined()) tokens = tokens.logical_and(input.mask);
    return mean_over(hidden, tokens);
  };
  const at::Tensor first = mean_behind(0);
  const at::Tensor second = mean_behind(2);
  return at::cat({first, second, (first - second).abs(), first * second}, 1);
}

}  // namespace

ClassificationHead::ClassificationHead(const ModelConfig& config, const HeadConfig& head,
                                       ParameterSet& parameters)
    : pooling_(head.pooling), dropout_probability_(config.hidden_dropout_prob) {
  const int64_t width = config.hidden_size;
  const int64_t num_outputs = head.num_outputs();
  const double stddev = config.resolved_initializer_range();
  dense_weight_ = parameters.add_normal(
      "classifier.dense.weight", ParameterKind::kWeight,
      {width, head.pooling == ClassifierPooling::kPairMean ? 4 * width : width}, stddev);
  dense_bias_ =
      parameters.add_constant("classifier.dense.bias", ParameterKind::kBias, {width}, 0.0);
  out_weight_ = parameters.add_normal("classifier.out_proj.weight", ParameterKind::kWeight,
                                      {num_outputs, width}, stddev);
  out_bias_ =
      parameters.add_constant("classifier.out_proj.bias", ParameterKind::kBias, {num_outputs}, 0.0);
}

at::Tensor ClassificationHead::pooled(const at::Tensor& hidden, const EncoderInput& input) const {
  const at::Tensor& mask = input.mask;
  switch (pooling_) {
    case ClassifierPooling::kMean:
      return mask.defined() ? mean_over(hidden, mask) : hidden.mean(1);
    case ClassifierPooling::kPairMean:
      return pair_features(hidden, input);
    case ClassifierPooling::kCls:
      break;
  }
  if (!mask.defined()) return hidden.select(1, 0);
  const at::Tensor place = mask.to(at::kLong).argmax(1).view({-1, 1, 1});
  return hidden.gather(1, place.expand({-1, 1, hidden.size(2)})).squeeze(1);
}

at::Tensor ClassificationHead::logits(const at::Tensor& hidden, const EncoderInput& input,
                                      ForwardContext& context) const {
  const auto drop = [&](const at::Tensor& x) {
    return dropout(x.contiguous(), context.next_dropout(dropout_probability_));
  };
  const auto affine = [](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    return to_full(weight_product(x, weight, bias));
  };
  const at::Tensor first = drop(pooled(hidden, input));
  const at::Tensor dense = drop(affine(first, dense_weight_, dense_bias_).tanh());
  return affine(dense, out_weight_, out_bias_);
}

}  // namespace linformer
