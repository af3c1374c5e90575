#include "linformer/nn/self_attention.h"

#include <ATen/ATen.h>

#include "linformer/kernels/attention.h"
#include "linformer/kernels/depthwise_convolution.h"

namespace linformer {
namespace {

/// x (B, N, C) W^T.
at::Tensor matrix_product(const at::Tensor& x, const at::Tensor& weight) {
  return at::mm(x.flatten(0, 1), weight.t()).view({x.size(0), x.size(1), weight.size(0)});
}

at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::addmm(bias, x.flatten(0, 1), weight.t()).view({x.size(0), x.size(1), weight.size(0)});
}

/// Selects padded rows to zero: a product would let NaN through.
at::Tensor select_valid(const at::Tensor& x, const at::Tensor& mask) {
  return mask.defined() ? x.masked_fill(mask.logical_not().unsqueeze(-1), 0.0) : x;
}

at::Tensor split_heads(const at::Tensor& x_BNC, int64_t heads) {
  return x_BNC.view({x_BNC.size(0), x_BNC.size(1), heads, -1}).transpose(1, 2);
}

}  // namespace

SelfAttention::SelfAttention(const ModelConfig& config, const std::string& prefix,
                             ParameterSet& parameters,
                             const std::optional<SequenceProjection>& shared)
    : attention_(config.attention),
      num_heads_(config.num_attention_heads),
      dropout_probability_(config.attention_probs_dropout_prob),
      projection_(shared) {
  const int64_t width = config.hidden_size;
  const double deviation = config.resolved_initializer_range();
  const auto add_linear = [&](const std::string& name) {
    return Linear{
        parameters.add_normal(prefix + "." + name + ".weight", ParameterKind::kWeight,
                              {width, width}, deviation),
        parameters.add_constant(prefix + "." + name + ".bias", ParameterKind::kBias, {width}, 0.0)};
  };
  query_ = add_linear("query");
  key_ = add_linear("key");
  value_ = add_linear("value");
  if (attention_.type == AttentionType::kLinformer && !projection_) {
    projection_ = make_sequence_projection(config, prefix, parameters);
  }
  if (attention_.value_convolution > 0) {
    // Taps N(0, 1 / (4 W)): what is added starts with half the deviation of the values.
    const std::string name = prefix + ".value_convolution.weight";
    const int64_t taps = attention_.value_convolution;
    at::Tensor start =
        parameters.draw_normal(name, {width, 1, taps}, 0.5 / std::sqrt(static_cast<double>(taps)));
    value_convolution_ = parameters.add(name, ParameterKind::kWeight, start);
  }
}

at::Tensor SelfAttention::forward(const at::Tensor& hidden, const at::Tensor& mask,
                                  ForwardContext& context) const {
  const at::Tensor x = select_valid(hidden, mask);
  const at::Tensor query = affine(x, query_.weight, query_.bias);
  at::Tensor full_value;
  if (value_convolution_.defined()) {
    full_value = select_valid(affine(x, value_.weight, value_.bias), mask);
  }
  at::Tensor heads;
  if (attention_.type == AttentionType::kLinformer) {
    heads = attend(query, project_key_value(x, mask, full_value), {}, context);
  } else {
    const at::Tensor value =
        full_value.defined() ? full_value : affine(x, value_.weight, value_.bias);
    heads = attend(query, {affine(x, key_.weight, key_.bias), value}, mask, context);
  }
  if (!value_convolution_.defined()) return heads;
  return add_depthwise_convolution(heads, full_value, value_convolution_);
}

SelfAttention::KeyValue SelfAttention::project_key_value(const at::Tensor& hidden,
                                                         const at::Tensor& mask,
                                                         const at::Tensor& full_value) const {
  const at::Tensor& E = projection_->E;
  const at::Tensor& F = projection_->F;
  const bool features_first = attention_.order == ProjectionOrder::kFeaturesFirst;
  at::Tensor mixed_keys;    // E x, where one matrix serves all heads
  at::Tensor mixed_values;  // F x
  if (!projection_->per_head()) {
    mixed_keys = project_sequence(E, hidden);
    if (projection_->shared_key_value()) {
      mixed_values = mixed_keys;
    } else if (!full_value.defined() || !features_first) {
      mixed_values = project_sequence(F, hidden);
    }
  }
  KeyValue result;
  result.key = project_features(E, mixed_keys, hidden, mask, key_);
  if (full_value.defined() && features_first) {
    result.value = project_sequence(F, full_value);
  } else {
    result.value = project_features(F, mixed_values, hidden, mask, value_);
  }
  return result;
}

at::Tensor SelfAttention::project_features(const at::Tensor& projection, const at::Tensor& mixed,
                                           const at::Tensor& hidden, const at::Tensor& mask,
                                           const Linear& linear) const {
  // E (x W) = (E x) W, so the order of the two products is free; with one E a head, (E_h x) would
  // have to be formed H times, and x W comes first.
  const bool sequence_first = attention_.order == ProjectionOrder::kSequenceFirst;
  if (mixed.defined() && sequence_first) return affine(mixed, linear.weight, linear.bias);
  const at::Tensor projected =
      mixed.defined() ? matrix_product(mixed, linear.weight)
                      : project_sequence(projection, matrix_product(hidden, linear.weight));
  if (sequence_first) return projected + linear.bias;
  return projected + project_bias(projection, mask, hidden.size(1), linear.bias);
}

at::Tensor SelfAttention::attend(const at::Tensor& query, const KeyValue& key_value,
                                 const at::Tensor& key_mask, ForwardContext& context) const {
  const DropoutSite site = context.next_dropout(dropout_probability_);
  if (site.probability > 0.0 || key_mask.defined() || query.scalar_type() == at::kDouble) {
    return dropout_attention(query, key_value.key, key_value.value, num_heads_, key_mask, site);
  }
  const at::Tensor heads_BHND = at::scaled_dot_product_attention(
      split_heads(query, num_heads_), split_heads(key_value.key, num_heads_),
      split_heads(key_value.value, num_heads_));
  return heads_BHND.transpose(1, 2).reshape(query.sizes());
}

}  // namespace linformer
