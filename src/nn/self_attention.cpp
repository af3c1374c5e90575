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

at::Tensor SelfAttention::forward(const at::Tensor& hidden, const PackedRows& tokens,
                                  const std::optional<ChosenTokens>& queries,
                                  ForwardContext& context) const {
  AttentionInput input{hidden, tokens, query_, key_, value_, {}, hidden, tokens};
  if (queries) {
    input.x_of_queries = rows_at(hidden, queries->index);
    input.queries = queries->rows;
  }
  if (context.attention_records() != nullptr) context.attention_records()->push_back({input, {}});
  if (!value_convolution_.defined()) return attention_->forward(input, context);
  input.full_value = apply(hidden, value_);
  const at::Tensor heads = attention_->forward(input, context);
  const at::Tensor values = pad_rows(input.full_value, tokens);
  if (!queries) {
    return unpad_rows(
        add_depthwise_convolution(pad_rows(heads, tokens), values, value_convolution_), tokens);
  }
  const at::Tensor convolved =
      add_depthwise_convolution(at::zeros_like(values), values, value_convolution_);
  return heads + rows_at(convolved.flatten(0, 1), queries->rows.numbers);
}

at::Tensor SelfAttention::forward(const at::Tensor& hidden, const at::Tensor& mask,
                                  ForwardContext& context) const {
  const BatchTokens tokens(mask, hidden.size(0), hidden.size(1), hidden.device());
  return tokens.put_back(forward(tokens.take(hidden), tokens.rows(), std::nullopt, context));
}

}  // namespace linformer
