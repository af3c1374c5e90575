#include "linformer/nn/classification_head.h"

#include <algorithm>
#include <optional>
#include <vector>

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
at::Tensor pair_features(const at::Tensor& hidden, const at::Tensor& input_ids,
                         const at::Tensor& mask) {
  at::Tensor is_end = input_ids == kEosId;
  // Padding may hold any id, also </s>, which would be counted if it stood on the left.
  if (mask.defined()) is_end = is_end.logical_and(mask);
  const at::Tensor ends = is_end.cumsum(1);
  const auto mean_behind = [&](int64_t count) {
    at::Tensor tokens = (ends == count).logical_and(is_end.logical_not());
    if (mask.defined()) tokens = tokens.logical_and(mask);
    return mean_over(hidden, tokens);
  };
  const at::Tensor first = mean_behind(0);
  const at::Tensor second = mean_behind(2);
  return at::cat({first, second, (first - second).abs(), first * second}, 1);
}

/// The number b * N + i of each sequence's first token; nothing if one has no token.
std::optional<std::vector<int64_t>> first_tokens(const EncoderInput& input) {
  const int64_t length = input.input_ids.size(1);
  std::vector<int64_t> first(static_cast<size_t>(input.input_ids.size(0)), 0);
  at::Tensor host;
  if (input.mask.defined()) host = input.mask.to(at::kCPU).contiguous();
  for (size_t b = 0; b < first.size(); ++b) {
    const int64_t begin = static_cast<int64_t>(b) * length;
    first[b] = begin;
    if (!host.defined()) continue;
    const bool* tokens = host.const_data_ptr<bool>() + begin;
    first[b] += std::find(tokens, tokens + length, true) - tokens;
    if (first[b] == begin + length) return std::nullopt;
  }
  return first;
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
  const at::Tensor mask = input.mask.defined() ? input.mask.to(hidden.device()) : at::Tensor();
  switch (pooling_) {
    case ClassifierPooling::kMean:
      return mask.defined() ? mean_over(hidden, mask) : hidden.mean(1);
    case ClassifierPooling::kPairMean:
      return pair_features(hidden, input.input_ids, mask);
    case ClassifierPooling::kCls:
      break;
  }
  if (!mask.defined()) return hidden.select(1, 0);
  const at::Tensor place = mask.to(at::kLong).argmax(1).view({-1, 1, 1});
  return hidden.gather(1, place.expand({-1, 1, hidden.size(2)})).squeeze(1);
}

at::Tensor ClassificationHead::scores(const at::Tensor& pooled, ForwardContext& context) const {
  const auto drop = [&](const at::Tensor& x) {
    return dropout(x.contiguous(), context.next_dropout(dropout_probability_));
  };
  const auto affine = [](const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    return to_full(weight_product(x, weight, bias));
  };
  const at::Tensor dense = drop(affine(drop(pooled), dense_weight_, dense_bias_).tanh());
  return affine(dense, out_weight_, out_bias_);
}

at::Tensor ClassificationHead::logits(const at::Tensor& hidden, const EncoderInput& input,
                                      ForwardContext& context) const {
  return scores(pooled(hidden, input), context);
}

at::Tensor ClassificationHead::logits(const Encoder& encoder, const EncoderInput& input,
                                      ForwardContext& context) const {
  if (pooling_ == ClassifierPooling::kCls) {
    if (const auto first = first_tokens(input)) {
      return scores(encoder.forward_rows(input, *first, context), context);
    }
  }
  return logits(encoder.forward(input, context), input, context);
}

}  // namespace linformer
