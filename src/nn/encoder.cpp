#include "linformer/nn/encoder.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "linformer/core/error.h"
#include "linformer/kernels/gelu.h"
#include "linformer/kernels/layer_norm.h"

namespace linformer {
namespace {

constexpr int64_t kPadId = 1;  // as RoBERTa's
constexpr int64_t kFirstPosition = kPadId + 1;

NormParameters add_norm(const std::string& prefix, int64_t width, ParameterSet& parameters) {
  return {parameters.add_constant(prefix + ".weight", ParameterKind::kNorm, {width}, 1.0),
          parameters.add_constant(prefix + ".bias", ParameterKind::kNorm, {width}, 0.0)};
}

/// (rows, width) with sines and cosines of geometric frequencies (Vaswani et al. 2017, section
/// 3.5), scaled to the standard deviation that the other weights start with.
at::Tensor sinusoidal_positions(int64_t rows, int64_t width, double deviation) {
  const at::Tensor position = at::arange(rows, at::kDouble).unsqueeze(1);
  const int64_t half = (width + 1) / 2;
  const at::Tensor rate = at::exp(at::arange(half, at::kDouble) *
                                  (-std::log(10000.0) * 2.0 / static_cast<double>(width)));
  const at::Tensor angle = position * rate;
  const at::Tensor table = at::stack({angle.sin(), angle.cos()}, 2).flatten(1).narrow(1, 0, width);
  return table * (deviation * std::sqrt(2.0));
}

/// Positions of the tokens: 2, 3, ... over valid ones, 1 at padding.
at::Tensor position_ids(const at::Tensor& input_ids, const at::Tensor& mask) {
  if (!mask.defined()) {
    return at::arange(kFirstPosition, kFirstPosition + input_ids.size(1), at::kLong)
        .expand({input_ids.size(0), -1});
  }
  const at::Tensor valid = mask.to(at::kLong);
  return valid.cumsum(1) * valid + kPadId;
}

bool is_right_padded(const at::Tensor& mask) {
  const at::Tensor later = mask.narrow(1, 1, mask.size(1) - 1);
  const at::Tensor earlier = mask.narrow(1, 0, mask.size(1) - 1);
  return !later.logical_and(earlier.logical_not()).any().item<bool>();
}

}  // namespace

Embeddings::Embeddings(const ModelConfig& config, ParameterSet& parameters)
    : tied_(config.tie_word_embeddings),
      epsilon_(config.layer_norm_eps),
      dropout_probability_(config.hidden_dropout_prob) {
  const std::string prefix = "roberta.embeddings.";
  const int64_t width = config.hidden_size;
  const double deviation = config.resolved_initializer_range();
  const auto with_zero_padding_row = [](at::Tensor table) {
    table[kPadId].zero_();
    return table;
  };
  const std::string words = prefix + "word_embeddings.weight";
  words_ = parameters.add(
      words, ParameterKind::kEmbedding,
      with_zero_padding_row(parameters.draw_normal(words, {config.vocab_size, width}, deviation)));
  const std::string positions = prefix + "position_embeddings.weight";
  const int64_t rows = config.num_position_rows();
  at::Tensor start = config.position_init == PositionInit::kSinusoidal
                         ? sinusoidal_positions(rows, width, deviation)
                         : parameters.draw_normal(positions, {rows, width}, deviation);
  positions_ = parameters.add(positions, ParameterKind::kEmbedding, with_zero_padding_row(start));
  norm_ = add_norm(prefix + "LayerNorm", width, parameters);
}

at::Tensor Embeddings::forward(const at::Tensor& input_ids, const at::Tensor& mask,
                               ForwardContext& context) const {
  // A padded position is the padding token, whatever id it holds.
  const at::Tensor ids =
      mask.defined() ? input_ids.masked_fill(mask.logical_not(), kPadId) : input_ids;
  // A tied table also gets a dense gradient from the head; a sparse one from here is added into it
  // in place, which saves a second table.
  const at::Tensor sum =
      at::embedding(words_, ids, kPadId, /*scale_grad_by_freq=*/false, /*sparse=*/tied_) +
      at::embedding(positions_, position_ids(ids, mask), kPadId);
  const at::Tensor normal =
      layer_norm(sum.flatten(0, 1), norm_.weight, norm_.shift, epsilon_).view(sum.sizes());
  return dropout(normal, context.next_dropout(dropout_probability_));
}

EncoderLayer::EncoderLayer(const ModelConfig& config, int64_t index, ParameterSet& parameters,
                           const std::optional<SequenceProjection>& shared)
    : attention(config, "roberta.encoder.layer." + std::to_string(index) + ".attention.self",
                parameters, shared) {
  const std::string prefix = "roberta.encoder.layer." + std::to_string(index) + ".";
  const int64_t width = config.hidden_size;
  const int64_t wide = config.intermediate_size;
  const double deviation = config.resolved_initializer_range();
  const auto add_weight = [&](const std::string& name, int64_t out, int64_t in) {
    return parameters.add_normal(prefix + name + ".weight", ParameterKind::kWeight, {out, in},
                                 deviation);
  };
  const auto add_bias = [&](const std::string& name, int64_t out) {
    return parameters.add_constant(prefix + name + ".bias", ParameterKind::kBias, {out}, 0.0);
  };
  attention_output_weight = add_weight("attention.output.dense", width, width);
  attention_output_bias = add_bias("attention.output.dense", width);
  attention_norm = add_norm(prefix + "attention.output.LayerNorm", width, parameters);
  intermediate_weight = add_weight("intermediate.dense", wide, width);
  intermediate_bias = add_bias("intermediate.dense", wide);
  output_weight = add_weight("output.dense", width, wide);
  output_bias = add_bias("output.dense", width);
  output_norm = add_norm(prefix + "output.LayerNorm", width, parameters);
}

Encoder::Encoder(const ModelConfig& config, ParameterSet& parameters)
    : config_(config), embeddings_(config, parameters) {
  if (config.attention.type == AttentionType::kLinformer &&
      config.attention.sharing == SharingMode::kLayerwise) {
    shared_projection_ = make_sequence_projection(config, "roberta.encoder", parameters);
  }
  layers_.reserve(static_cast<size_t>(config.num_hidden_layers));
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    layers_.emplace_back(config, i, parameters, shared_projection_);
  }
  if (config.norm_position == NormPosition::kPre) {
    final_norm_ = add_norm("roberta.encoder.LayerNorm", config.hidden_size, parameters);
  }
}

at::Tensor Encoder::forward(const at::Tensor& input_ids, const at::Tensor& mask,
                            ForwardContext& context) const {
  if (input_ids.size(1) > config_.max_sequence_length) {
    fail_usage("input_ids",
               "a sequence of " + std::to_string(input_ids.size(1)) +
                   " tokens, the model takes at most " +
                   std::to_string(config_.max_sequence_length),
               "cut the input, or train a model with a larger model.max_sequence_length");
  }
  if (!mask.defined() || is_right_padded(mask)) {
    return run_layers(embeddings_.forward(input_ids, mask, context), mask, context);
  }
  // E and F are indexed by position: align the tokens to the left, and put the rows back after.
  const at::Tensor order = at::argsort(mask.logical_not(), /*stable=*/true, /*dim=*/1,
                                       /*descending=*/false);
  const at::Tensor ids = input_ids.gather(1, order);
  const at::Tensor aligned_mask = mask.gather(1, order);
  const at::Tensor aligned =
      run_layers(embeddings_.forward(ids, aligned_mask, context), aligned_mask, context);
  const at::Tensor back =
      order.argsort(/*dim=*/int64_t{1}, /*descending=*/false).unsqueeze(-1).expand_as(aligned);
  return aligned.gather(1, back);
}

at::Tensor Encoder::run_layers(const at::Tensor& embedded, const at::Tensor& mask,
                               ForwardContext& context) const {
  const auto shape = embedded.sizes().vec();
  const bool pre_norm = config_.norm_position == NormPosition::kPre;
  const double eps = config_.layer_norm_eps;
  const double drop = config_.hidden_dropout_prob;
  // Rows (B * N, C) from here on. Each residual sum is fused with the norm that follows it:
  // post-norm goes on with the norm, pre-norm with the sum and feeds the norm to the next sublayer.
  at::Tensor stream = embedded.flatten(0, 1);
  at::Tensor input = stream;
  if (pre_norm) {
    const NormParameters& first = layers_.front().attention_norm;
    input = layer_norm(stream, first.weight, first.shift, eps);
  }
  const auto add_and_norm = [&](const at::Tensor& update, const at::Tensor& bias,
                                const NormParameters& norm) {
    const ResidualNorm result = bias_dropout_residual_layer_norm(
        update, bias, stream, norm.weight, norm.shift, eps, context.next_dropout(drop));
    stream = pre_norm ? result.sum : result.normalized;
    input = result.normalized;
  };
  for (size_t i = 0; i < layers_.size(); ++i) {
    const EncoderLayer& layer = layers_[i];
    const at::Tensor heads = layer.attention.forward(input.view(shape), mask, context);
    add_and_norm(at::mm(heads.flatten(0, 1), layer.attention_output_weight.t()),
                 layer.attention_output_bias, pre_norm ? layer.output_norm : layer.attention_norm);
    const at::Tensor wide =
        bias_gelu(at::mm(input, layer.intermediate_weight.t()), layer.intermediate_bias);
    const bool last = i + 1 == layers_.size();
    const NormParameters& after = !pre_norm ? layer.output_norm
                                  : last    ? final_norm_
                                            : layers_[i + 1].attention_norm;
    add_and_norm(at::mm(wide, layer.output_weight.t()), layer.output_bias, after);
  }
  return input.view(shape);
}

}  // namespace linformer
