#include "linformer/nn/encoder.h"

#include <ATen/ATen.h>

#include "recompute.h"

#include "linformer/core/error.h"
#include "linformer/core/special_tokens.h"
#include "linformer/kernels/gelu.h"
#include "linformer/kernels/layer_norm.h"
#include "linformer/kernels/weight_product.h"
#include "linformer/nn/model_cost.h"

namespace linformer {
namespace {

constexpr int64_t kFirstPosition = kPadId + 1;  // as in RoBERTa

/// (rows, width) with sines and cosines of geometric frequencies (Vaswani et al. 2017, section
/// 3.5), scaled to the standard deviation of the other starting weights.
at::Tensor sinusoidal_positions(int64_t rows, int64_t width, double stddev) {
  const at::Tensor position = at::arange(rows, at::kDouble).unsqueeze(1);
  const int64_t half = (width + 1) / 2;
  const at::Tensor rate = at::exp(at::arange(half, at::kDouble) *
                                  (-std::log(10000.0) * 2.0 / static_cast<double>(width)));
  const at::Tensor angle = position * rate;
  const at::Tensor table = at::stack({angle.sin(), angle.cos()}, 2).flatten(1).narrow(1, 0, width);
  return table * (stddev * std::sqrt(2.0));
}

/// Returns the configuration after a check that its weights fit into memory.
const ModelConfig& buildable(const ModelConfig& config, const ParameterSet& parameters) {
  const auto bytes_each = static_cast<double>(at::elementSize(parameters.dtype()));
  if (parameters.device().is_cpu()) check_memory(config, bytes_each);
  return config;
}

}  // namespace

Embeddings::Embeddings(const ModelConfig& config, ParameterSet& parameters)
    : tied_(config.tie_word_embeddings),
      epsilon_(config.layer_norm_eps),
      dropout_probability_(config.hidden_dropout_prob) {
  const ParameterSet::Scope scope(parameters, {ModelPart::kEmbeddings, {}});
  const std::string prefix = "roberta.embeddings.";
  const int64_t width = config.hidden_size;
  const double stddev = config.resolved_initializer_range();
  const auto with_zero_padding_row = [](at::Tensor table) {
    table[kPadId].zero_();
    return table;
  };
  const std::string words = prefix + "word_embeddings.weight";
  words_ = parameters.add(
      words, ParameterKind::kEmbedding,
      with_zero_padding_row(parameters.draw_normal(words, {config.vocab_size, width}, stddev)));
  const std::string positions = prefix + "position_embeddings.weight";
  const int64_t rows = config.num_position_rows();
  const bool fixed = config.position_embedding == PositionEmbedding::kSinusoidal;
  at::Tensor start = fixed || config.position_init == PositionInit::kSinusoidal
                         ? sinusoidal_positions(rows, width, stddev)
                         : parameters.draw_normal(positions, {rows, width}, stddev);
  positions_ = parameters.add(positions, ParameterKind::kEmbedding, with_zero_padding_row(start));
  positions_.set_requires_grad(!fixed);
  if (config.type_vocab_size > 0) {
    token_types_ =
        parameters.add_normal(prefix + "token_type_embeddings.weight", ParameterKind::kEmbedding,
                              {config.type_vocab_size, width}, stddev);
  }
  norm_ = add_norm(config, prefix + "LayerNorm", parameters);
}

at::Tensor Embeddings::forward(const EncoderInput& input, const BatchTokens& tokens,
                               ForwardContext& context) const {
  const at::Tensor ids = tokens.take(input.input_ids);
  // A tied table also gets a dense gradient from the head. On the CPU, the sparse gradient from
  // here is added to it in place, which saves a second table. CUDA adds sparse gradients in any
  // order, but dense ones in the same order each time.
  const bool sparse = tied_ && words_.is_cpu();
  at::Tensor sum = at::embedding(words_, ids, kPadId, /*scale_grad_by_freq=*/false, sparse) +
                   at::embedding(positions_, tokens.positions() + kFirstPosition, kPadId);
  if (token_types_.defined()) {
    const at::Tensor types =
        input.token_type_ids.defined() ? tokens.take(input.token_type_ids) : at::zeros_like(ids);
    sum = sum + at::embedding(token_types_, types);
  }
  const at::Tensor normal = layer_norm(sum, norm_.weight, norm_.shift, epsilon_);
  return dropout(normal, context.next_dropout(dropout_probability_), tokens.rows().numbers);
}

EncoderLayer::EncoderLayer(const ModelConfig& config, int64_t index, ParameterSet& parameters,
                           const std::optional<ProjectionWeights>& shared)
    : first_parameter(parameters.all().size()),
      attention(config, index, "roberta.encoder.layer." + std::to_string(index) + ".attention.self",
                parameters, shared) {
  const std::string prefix = "roberta.encoder.layer." + std::to_string(index) + ".";
  const int64_t width = config.hidden_size;
  const int64_t wide = config.intermediate_size;
  const double stddev = config.resolved_initializer_range();
  const auto add_weight = [&](const std::string& name, int64_t out, int64_t in) {
    return parameters.add_normal(prefix + name + ".weight", ParameterKind::kWeight, {out, in},
                                 stddev);
  };
  const auto add_bias = [&](const std::string& name, int64_t out) {
    return parameters.add_constant(prefix + name + ".bias", ParameterKind::kBias, {out}, 0.0);
  };
  attention_output_weight = add_weight("attention.output.dense", width, width);
  attention_output_bias = add_bias("attention.output.dense", width);
  attention_norm = add_norm(config, prefix + "attention.output.LayerNorm", parameters);
  const ParameterSet::Scope feed_forward(parameters, {ModelPart::kFeedForward, index});
  if (config.is_gated()) {
    gate_weight = add_weight("intermediate.gate", wide, width);
    gate_bias = add_bias("intermediate.gate", wide);
  }
  intermediate_weight = add_weight("intermediate.dense", wide, width);
  intermediate_bias = add_bias("intermediate.dense", wide);
  output_weight = add_weight("output.dense", width, wide);
  output_bias = add_bias("output.dense", width);
  output_norm = add_norm(config, prefix + "output.LayerNorm", parameters);
  for (size_t i = first_parameter; i < parameters.all().size(); ++i) {
    all.push_back(parameters.all()[i].tensor);
  }
}

Encoder::Encoder(const ModelConfig& config, ParameterSet& parameters)
    : config_(buildable(config, parameters)), embeddings_(config, parameters) {
  const ParameterSet::Scope scope(parameters, {ModelPart::kEncoder, {}});
  if (config.has_linformer_layer() && config.attention.sharing == SharingMode::kLayerwise) {
    // This holds for every Linformer layer, since all of them have the same k.
    shared_projection_ = make_projection_weights(config, config.first_linformer_layer(),
                                                 "roberta.encoder", parameters);
  }
  layers_.reserve(static_cast<size_t>(config.num_hidden_layers));
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const ParameterSet::Scope layer(parameters, {ModelPart::kAttention, i});
    layers_.emplace_back(config, i, parameters, shared_projection_);
  }
  if (pre_norm()) final_norm_ = add_norm(config, "roberta.encoder.LayerNorm", parameters);
}

BatchTokens Encoder::tokens_of(const EncoderInput& input) const {
  const int64_t length = input.input_ids.size(1);
  if (length > config_.max_sequence_length) {
    fail_usage("input_ids",
               "a sequence of " + std::to_string(length) + " tokens, the model takes at most " +
                   std::to_string(config_.max_sequence_length),
               "cut the input, lengthen the model with linformer-convert extend, or train one with "
               "a larger model.max_sequence_length");
  }
  return {input.mask, input.input_ids.size(0), length, input.input_ids.device()};
}

at::Tensor Encoder::forward(const EncoderInput& input, ForwardContext& context,
                            std::vector<at::Tensor>* hidden_states) const {
  const BatchTokens tokens = tokens_of(input);
  const at::Tensor embedded = embeddings_.forward(input, tokens, context);
  const at::Tensor output = run_layers(embedded, {tokens.rows(), {}}, context, hidden_states);
  if (hidden_states != nullptr) {
    for (at::Tensor& state : *hidden_states) state = tokens.put_back(state);
  }
  return tokens.put_back(output);
}

at::Tensor Encoder::forward_rows(const EncoderInput& input, const std::vector<int64_t>& rows,
                                 ForwardContext& context) const {
  const BatchTokens tokens = tokens_of(input);
  const at::Tensor embedded = embeddings_.forward(input, tokens, context);
  return run_layers(embedded, {tokens.rows(), tokens.choose(rows)}, context, nullptr);
}

at::Tensor Encoder::forward_rows(const EncoderInput& input, const ChosenTokens& chosen,
                                 ForwardContext& context) const {
  const BatchTokens tokens =
      input.mask.defined() ? BatchTokens::with_padding(input.mask) : tokens_of(input);
  const at::Tensor embedded = embeddings_.forward(input, tokens, context);
  return run_layers(embedded, {tokens.rows(), chosen}, context, nullptr);
}

at::Tensor Encoder::run_layers(const at::Tensor& embedded, const Call& call,
                               ForwardContext& context,
                               std::vector<at::Tensor>* hidden_states) const {
  State state;
  state.stream = embedded;
  state.input = state.stream;
  if (pre_norm()) {
    const NormParameters& first = layers_.front().attention_norm;
    state.input = layer_norm(state.stream, first.weight, first.shift, config_.layer_norm_eps,
                             NormReaders::kProducts);
  }
  if (hidden_states != nullptr) *hidden_states = {embedded};
  for (size_t i = 0; i < layers_.size(); ++i) {
    state = context.recompute() ? recompute_layer(i, state, call, context)
                                : run_layer(i, state, call, context);
    if (hidden_states == nullptr) continue;
    const bool last = i + 1 == layers_.size();
    hidden_states->push_back(last ? state.input : state.stream);
  }
  return state.input;
}

Encoder::State Encoder::run_layer(size_t index, const State& before, const Call& call,
                                  ForwardContext& context) const {
  const EncoderLayer& layer = layers_[index];
  State state = before;
  const bool last = index + 1 == layers_.size();
  const std::optional<ChosenTokens> chosen = last ? call.chosen : std::nullopt;
  const at::Tensor& numbers = chosen ? chosen->rows.numbers : call.tokens.numbers;
  // Each residual sum is fused with the norm that follows it. Post-norm continues with the norm.
  // Pre-norm continues with the sum and feeds the norm to the next sublayer.
  const auto add_and_norm = [&](const at::Tensor& update, const at::Tensor& bias,
                                const NormParameters& norm) {
    const bool to_products = pre_norm() && &norm != &final_norm_;
    const ResidualNorm result = bias_dropout_residual_layer_norm(
        update, bias, state.stream, norm.weight, norm.shift, config_.layer_norm_eps,
        context.next_dropout(config_.hidden_dropout_prob),
        to_products ? NormReaders::kProducts : NormReaders::kAny, numbers);
    state.stream = pre_norm() ? result.sum : result.normalized;
    state.input = result.normalized;
  };
  const at::Tensor heads = layer.attention.forward(state.input, call.tokens, chosen, context);
  if (chosen) state.stream = rows_at(state.stream, chosen->index);
  add_and_norm(weight_product(heads, layer.attention_output_weight), layer.attention_output_bias,
               pre_norm() ? layer.output_norm : layer.attention_norm);
  const NormParameters& after = !pre_norm() ? layer.output_norm
                                : last      ? final_norm_
                                            : layers_[index + 1].attention_norm;
  const at::Tensor wide = feed_forward(layer, state.input);
  add_and_norm(weight_product(wide, layer.output_weight), layer.output_bias, after);
  return state;
}

Encoder::State Encoder::recompute_layer(size_t index, const State& state, const Call& call,
                                        ForwardContext& context) const {
  const LayerFunction function = [this, index, call](const Tensors& in, ForwardContext& again) {
    const State result = run_layer(index, {in.front(), in.back()}, call, again);
    return pre_norm() ? Tensors{result.stream, result.input} : Tensors{result.input};
  };
  Tensors parameters = layers_[index].all;
  if (shared_projection_ && shared_projection_->E.defined()) {
    parameters.push_back(shared_projection_->E);
  }
  if (pre_norm()) {
    const bool last = index + 1 == layers_.size();
    const NormParameters& after = last ? final_norm_ : layers_[index + 1].attention_norm;
    parameters.push_back(after.weight);
    if (after.shift.defined()) parameters.push_back(after.shift);
  }
  const Tensors inputs = pre_norm() ? Tensors{state.stream, state.input} : Tensors{state.input};
  const Tensors outputs = forward_and_recompute(function, inputs, parameters, context);
  return {outputs.front(), outputs.back()};
}

at::Tensor Encoder::feed_forward(const EncoderLayer& layer, const at::Tensor& input) const {
  const at::Tensor wide = weight_product(input, layer.intermediate_weight);
  switch (config_.hidden_act) {
    case Activation::kGelu:
      return bias_gelu(wide, layer.intermediate_bias);
    case Activation::kGeluNew:
      return bias_gelu(wide, layer.intermediate_bias, GeluForm::kTanh);
    case Activation::kSwiglu:
    case Activation::kGeglu:
      break;
  }
  const at::Tensor gate = weight_product(input, layer.gate_weight);
  const at::Tensor open = config_.hidden_act == Activation::kGeglu
                              ? bias_gelu(gate, layer.gate_bias)
                              : at::silu(gate + layer.gate_bias);
  return open * (wide + layer.intermediate_bias);
}

}  // namespace linformer
