#include "linformer/nn/self_attention.h"

#include <cmath>

#include <ATen/ATen.h>

#include "linformer/kernels/depthwise_convolution.h"

namespace linformer {

SelfAttention::SelfAttention(const ModelConfig& config, int64_t layer, const std::string& prefix,
                             ParameterSet& parameters,
                             const std::optional<ProjectionWeights>& shared) {
  const int64_t width = config.hidden_size;
  const double stddev = config.resolved_initializer_range();
  const auto add_linear = [&](const std::string& name) {
    return Linear{
        parameters.add_normal(prefix + "." + name + ".weight", ParameterKind::kWeight,
                              {width, width}, stddev),
        parameters.add_constant(prefix + "." + name + ".bias", ParameterKind::kBias, {width}, 0.0)};
  };
  query_ = add_linear("query");
  key_ = add_linear("key");
  value_ = add_linear("value");
  attention_ = make_attention({config, layer, prefix, parameters, shared});
  const int64_t taps = config.attention.value_convolution;
  if (taps == 0) return;
  // Taps N(0, 1 / (4 W)): the added convolution starts with half the standard deviation of the
  // values.
  const std::string name = prefix + ".value_convolution.weight";
  const at::Tensor start =
      parameters.draw_normal(name, {width, 1, taps}, 0.5 / std::sqrt(static_cast<double>(taps)));
  value_convolution_ = parameters.add(name, ParameterKind::kWeight, start);
}

AttentionInput SelfAttention::input_of(const at::Tensor& hidden, const at::Tensor& mask,
                                       ForwardContext& context) const {
  AttentionInput input{select_valid(hidden, mask), mask, query_, key_, value_, {}, {}, {}};
  if (context.attention_records() != nullptr) context.attention_records()->push_back({input, {}});
  if (value_convolution_.defined()) input.full_value = select_valid(apply(input.x, value_), mask);
  return input;
}

at::Tensor SelfAttention::forward_rows(const at::Tensor& hidden, const at::Tensor& mask,
                                       const OutputRows& rows, ForwardContext& context) const {
  AttentionInput input = input_of(hidden, mask, context);
  input.positions = rows.positions;
  input.x_of_queries = rows_at_positions(input.x.flatten(0, 1), rows)
                           .view({rows.positions.size(0), rows.positions.size(1), -1});
  const at::Tensor heads =
      attention_->forward(input, context).flatten(0, 1).index_select(0, rows.places);
  if (!value_convolution_.defined()) return heads;
  const at::Tensor convolved = add_depthwise_convolution(at::zeros_like(input.full_value),
                                                         input.full_value, value_convolution_);
  return heads + convolved.flatten(0, 1).index_select(0, rows.flat);
}

at::Tensor SelfAttention::forward(const at::Tensor& hidden, const at::Tensor& mask,
                                  ForwardContext& context) const {
  const AttentionInput input = input_of(hidden, mask, context);
  if (!value_convolution_.defined()) return attention_->forward(input, context);
  return add_depthwise_convolution(attention_->forward(input, context), input.full_value,
                                   value_convolution_);
}

}  // namespace linformer
