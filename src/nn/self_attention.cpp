#include "linformer/nn/self_attention.h"

#include <map>

#include <ATen/ATen.h>

#include "linformer/kernels/attention.h"
#include "linformer/kernels/depthwise_convolution.h"
#include "linformer/kernels/mixed_precision.h"
#include "linformer/nn/sequence_pooling.h"

namespace linformer {
namespace {

/// x (B, N, C) W^T.
at::Tensor matrix_product(const at::Tensor& x, const at::Tensor& weight) {
  return at::mm(x.flatten(0, 1), cast_weight(weight).t())
      .view({x.size(0), x.size(1), weight.size(0)});
}

at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::addmm(cast_weight(bias), x.flatten(0, 1), cast_weight(weight).t())
      .view({x.size(0), x.size(1), weight.size(0)});
}

/// Selects padded rows to zero: a product would let NaN through.
at::Tensor select_valid(const at::Tensor& x, const at::Tensor& mask) {
  return mask.defined() ? x.masked_fill(mask.logical_not().unsqueeze(-1), 0.0) : x;
}

at::Tensor split_heads(const at::Tensor& x_BNC, int64_t heads) {
  return x_BNC.view({x_BNC.size(0), x_BNC.size(1), heads, -1}).transpose(1, 2);
}

/// Rows (or columns, for dim 1 and 2) that belong to some heads.
at::Tensor of_heads(const at::Tensor& tensor, const std::vector<int64_t>& heads, int64_t dim,
                    int64_t num_heads) {
  std::vector<int64_t> indices;
  const int64_t width = tensor.size(dim) / num_heads;
  for (const int64_t head : heads) {
    for (int64_t i = 0; i < width; ++i) indices.push_back(head * width + i);
  }
  return tensor.index_select(dim, at::tensor(indices, at::kLong).to(tensor.device()));
}

}  // namespace

SelfAttention::SelfAttention(const ModelConfig& config, int64_t layer, const std::string& prefix,
                             ParameterSet& parameters,
                             const std::optional<SequenceProjection>& shared)
    : attention_(config.attention),
      type_(config.attention_type(layer)),
      max_length_(config.max_sequence_length),
      num_heads_(config.num_attention_heads),
      dropout_probability_(config.attention_probs_dropout_prob),
      shared_between_layers_(shared.has_value()),
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
  groups_.resize(1);
  if (type_ == AttentionType::kLinformer) {
    if (!projection_) {
      projection_ = make_sequence_projection(config, layer, prefix, parameters);
    }
    std::map<int64_t, std::vector<int64_t>> heads_of;
    const OneOrMany<int64_t>& lengths = config.attention.projected_length.of(layer);
    for (int64_t h = 0; h < num_heads_; ++h) heads_of[lengths.of(h)].push_back(h);
    groups_.clear();
    for (const auto& [k, heads] : heads_of) {
      HeadGroup group;
      group.heads = heads;
      group.k = k;
      groups_.push_back(std::move(group));
    }
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
  const Input input{select_valid(hidden, mask), mask};
  at::Tensor full_value;
  if (value_convolution_.defined()) {
    full_value = select_valid(affine(input.x, value_.weight, value_.bias), mask);
  }
  at::Tensor output;
  if (groups_.size() == 1) {
    output = attend_group(group_of(0, full_value), input, context);
  } else {
    std::vector<at::Tensor> outputs(static_cast<size_t>(num_heads_));
    for (size_t g = 0; g < groups_.size(); ++g) {
      const HeadGroup group = group_of(g, full_value);
      const auto heads =
          attend_group(group, input, context).split(hidden.size(2) / num_heads_, /*dim=*/2);
      for (size_t i = 0; i < heads.size(); ++i) {
        outputs[static_cast<size_t>(group.heads[i])] = heads[i];
      }
    }
    output = at::cat(outputs, 2);
  }
  if (!value_convolution_.defined()) return output;
  return add_depthwise_convolution(output, full_value, value_convolution_);
}

SequenceProjection SelfAttention::layer_projection() const {
  SequenceProjection projection = *projection_;
  if (!shared_between_layers_ || !projection.E.defined()) return projection;
  // A layer adds up its own gradient of the common E before the layers are added, so that the sum
  // has the same order whether or not layers are recomputed.
  projection.E = at::alias(projection.E);
  projection.F = projection.E;
  return projection;
}

SelfAttention::HeadGroup SelfAttention::group_of(size_t index, const at::Tensor& full_value) const {
  HeadGroup group = groups_[index];
  if (projection_) group.projection = layer_projection();
  if (groups_.size() == 1) {
    group.query = query_;
    group.key = key_;
    group.value = value_;
    group.full_value = full_value;
    return group;
  }
  const auto part = [&](const Linear& linear) {
    return Linear{of_heads(linear.weight, group.heads, 0, num_heads_),
                  of_heads(linear.bias, group.heads, 0, num_heads_)};
  };
  group.query = part(query_);
  group.key = part(key_);
  group.value = part(value_);
  if (full_value.defined()) group.full_value = of_heads(full_value, group.heads, 2, num_heads_);
  if (!group.projection.E.defined()) return group;
  // Rows of the matrices: k_0 of head 0, k_1 of head 1, ...
  std::vector<int64_t> first_row(static_cast<size_t>(num_heads_), 0);
  for (const HeadGroup& other : groups_) {
    for (const int64_t head : other.heads) {
      for (int64_t h = head + 1; h < num_heads_; ++h) {
        first_row[static_cast<size_t>(h)] += other.k;
      }
    }
  }
  const auto matrices = [&](const at::Tensor& rows) {
    std::vector<at::Tensor> picked;
    for (const int64_t head : group.heads) {
      picked.push_back(rows.narrow(0, first_row[static_cast<size_t>(head)], group.k));
    }
    return at::stack(picked);
  };
  group.projection.E = matrices(projection_->E);
  group.projection.F = matrices(projection_->F);
  return group;
}

at::Tensor SelfAttention::attend_group(const HeadGroup& group, const Input& input,
                                       ForwardContext& context) const {
  const at::Tensor query = affine(input.x, group.query.weight, group.query.bias);
  if (type_ == AttentionType::kLinformer) {
    const auto heads = static_cast<int64_t>(group.heads.size());
    return attend(query, project_key_value(group, input), heads, {}, context);
  }
  const at::Tensor value = group.full_value.defined()
                               ? group.full_value
                               : affine(input.x, group.value.weight, group.value.bias);
  const KeyValue all{affine(input.x, group.key.weight, group.key.bias), value};
  return attend(query, all, num_heads_, input.mask, context);
}

SelfAttention::KeyValue SelfAttention::project_key_value(const HeadGroup& group,
                                                         const Input& input) const {
  switch (group.projection.type) {
    case ProjectionType::kLinear:
      return project_with_matrices(group, input);
    case ProjectionType::kMeanPool:
      return pool_means(group, input);
    case ProjectionType::kMaxPool:
    case ProjectionType::kConv:
      break;
  }
  // Not linear, or not alike for all channels: W cannot change places with the projection.
  const auto project = [&](const at::Tensor& rows, const at::Tensor& weight) {
    return weight.defined() ? convolve_sequence(rows, weight, group.k)
                            : max_pool_sequence(rows, input.mask, group.k, max_length_ / group.k);
  };
  const auto features = [&](const at::Tensor& rows, const Linear& linear) {
    return affine(rows, linear.weight, linear.bias);
  };
  const SequenceProjection& projection = group.projection;
  if (attention_.order == ProjectionOrder::kSequenceFirst) {
    const at::Tensor mixed = project(input.x, projection.E);
    const at::Tensor mixed_values =
        projection.shared_key_value() ? mixed : project(input.x, projection.F);
    return {features(mixed, group.key), features(mixed_values, group.value)};
  }
  const at::Tensor key = select_valid(features(input.x, group.key), input.mask);
  const at::Tensor value = group.full_value.defined()
                               ? group.full_value
                               : select_valid(features(input.x, group.value), input.mask);
  return {project(key, projection.E), project(value, projection.F)};
}

SelfAttention::KeyValue SelfAttention::pool_means(const HeadGroup& group,
                                                  const Input& input) const {
  const int64_t window = max_length_ / group.k;
  const at::Tensor means = mean_pool_sequence(input.x, input.mask, group.k, window);
  const bool sequence_first = attention_.order == ProjectionOrder::kSequenceFirst;
  // The mean of x W + b over a window's tokens is (mean of x) W + b; an empty window gives 0.
  const at::Tensor filled = sequence_first
                                ? at::Tensor()
                                : windows_with_tokens(input.mask, input.x.size(0), input.length(),
                                                      group.k, window, input.x.options());
  const auto features = [&](const Linear& linear) {
    if (sequence_first) return affine(means, linear.weight, linear.bias);
    return matrix_product(means, linear.weight) + filled * linear.bias;
  };
  return {features(group.key), features(group.value)};
}

at::Tensor SelfAttention::rescaled(const at::Tensor& projection, const Input& input,
                                   const at::Tensor& projected) const {
  if (!attention_.rescale_padding) return projected;
  return rescale_rows(projection, input.mask, input.length(), projected);
}

SelfAttention::KeyValue SelfAttention::project_with_matrices(const HeadGroup& group,
                                                             const Input& input) const {
  const at::Tensor& E = group.projection.E;
  const at::Tensor& F = group.projection.F;
  const bool features_first = attention_.order == ProjectionOrder::kFeaturesFirst;
  const bool use_full_value = group.full_value.defined() && features_first;
  at::Tensor mixed_keys;    // E x, where one matrix serves all heads
  at::Tensor mixed_values;  // F x
  // Whichever has fewer rows goes through W: the k of E x, or the n of a short sequence.
  const bool mix_first = E.dim() == 2 && input.length() > group.k;
  if (mix_first) {
    mixed_keys = rescaled(E, input, project_sequence(E, input.x));
    if (group.projection.shared_key_value()) {
      mixed_values = mixed_keys;
    } else if (!use_full_value) {
      mixed_values = rescaled(F, input, project_sequence(F, input.x));
    }
  }
  KeyValue result;
  result.key = project_features(E, mixed_keys, input, group.key);
  result.value = use_full_value ? rescaled(F, input, project_sequence(F, group.full_value))
                                : project_features(F, mixed_values, input, group.value);
  return result;
}

at::Tensor SelfAttention::project_features(const at::Tensor& projection, const at::Tensor& mixed,
                                           const Input& input, const Linear& linear) const {
  // E (x W) = (E x) W, so the order of the two products is free; with one E a head, (E_h x) would
  // have to be formed H times, and x W comes first. So it does where n <= k.
  const bool sequence_first = attention_.order == ProjectionOrder::kSequenceFirst;
  if (mixed.defined() && sequence_first) return affine(mixed, linear.weight, linear.bias);
  const at::Tensor projected =
      mixed.defined()
          ? matrix_product(mixed, linear.weight)
          : rescaled(projection, input,
                     project_sequence(projection, matrix_product(input.x, linear.weight)));
  if (sequence_first) return projected + linear.bias;
  return projected + rescaled(projection, input,
                              project_bias(projection, input.mask, input.length(), linear.bias));
}

at::Tensor SelfAttention::attend(const at::Tensor& query, const KeyValue& key_value,
                                 int64_t num_heads, const at::Tensor& key_mask,
                                 ForwardContext& context) const {
  const DropoutSite site = context.next_dropout(dropout_probability_);
  const int64_t window = type_ == AttentionType::kLocalWindow ? attention_.attention_window : 0;
  if (site.probability > 0.0 || key_mask.defined() || query.scalar_type() == at::kDouble ||
      window > 0) {
    return dropout_attention(query, key_value.key, key_value.value, num_heads, key_mask, site,
                             window);
  }
  const at::Tensor heads_BHND = at::scaled_dot_product_attention(
      split_heads(query, num_heads), split_heads(key_value.key, num_heads),
      split_heads(key_value.value, num_heads));
  return heads_BHND.transpose(1, 2).reshape(query.sizes());
}

}  // namespace linformer
