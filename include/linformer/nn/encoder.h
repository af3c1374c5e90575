#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/batch_tokens.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/norm_parameters.h"
#include "linformer/nn/parameters.h"
#include "linformer/nn/self_attention.h"

namespace linformer {

/// A batch of token ids.
struct EncoderInput {
  at::Tensor input_ids;  ///< (B, N) int64
  /// (B, N) bool, true = token; undefined = no padding. On the CPU or the model's device; if it is
  /// on the CPU, no forward pass waits for the device.
  at::Tensor mask;
  at::Tensor token_type_ids;  ///< (B, N) int64, segments; undefined = all 0
};

/// Token, position and segment embeddings with their norm and dropout, as in RoBERTa. Positions
/// count the tokens of a sequence from pad_token_id + 1 = 2.
class Embeddings {
 public:
  Embeddings(const ModelConfig& config, ParameterSet& parameters);

  /// Returns (T, C), the tokens of `input`.
  at::Tensor forward(const EncoderInput& input, const BatchTokens& tokens,
                     ForwardContext& context) const;

  const at::Tensor& word_weight() const { return words_; }

 private:
  bool tied_;  // the masked-LM head uses words_ as well
  double epsilon_;
  double dropout_probability_;
  at::Tensor words_;        // (V, C)
  at::Tensor positions_;    // (n + 2, C)
  at::Tensor token_types_;  // (T, C) or undefined
  NormParameters norm_;
};

/// The parameters of one layer. Encoder decides the order of sublayers and norms.
struct EncoderLayer {
  EncoderLayer(const ModelConfig& config, int64_t index, ParameterSet& parameters,
               const std::optional<ProjectionWeights>& shared);

  size_t first_parameter;  // index in the ParameterSet; the others follow it
  SelfAttention attention;
  at::Tensor attention_output_weight, attention_output_bias;
  NormParameters attention_norm;
  at::Tensor gate_weight, gate_bias;  // swiglu and geglu only
  at::Tensor intermediate_weight, intermediate_bias;
  at::Tensor output_weight, output_bias;
  NormParameters output_norm;
  std::vector<at::Tensor> all;  // every parameter of the layer
};

/// A RoBERTa encoder with standard, local or Linformer attention in each layer.
///
///   post-norm:  x = LN(x + dropout(f(x)))            for f in attention, feed-forward
///   pre-norm:   x = x + dropout(f(LN(x))), and a last LN at the end
///
///   feed-forward:  gelu(x W + b) W' + b'; gated: (act(x G + g) * (x W + b)) W' + b'
///
/// Any padding is allowed, and none of it is computed: the tokens of all sequences lie side by side
/// in tensors of T rows (BatchTokens). The output is put back into the batch's positions. Up to
/// rounding, values and gradients are those of the padded computation, with dropout too: a token
/// takes its dropout mask from its place in the padded batch.
class Encoder {
 public:
  Encoder(const ModelConfig& config, ParameterSet& parameters);

  /// N <= max_sequence_length; returns (B, N, C), zero at padding. If `hidden_states` is given, it
  /// gets L + 1 tensors: the embeddings' output and the output of each layer. With pre-norm these
  /// are the residual stream. The last one equals the returned tensor. Throws UsageError for a
  /// longer input.
  at::Tensor forward(const EncoderInput& input, ForwardContext& context,
                     std::vector<at::Tensor>* hidden_states = nullptr) const;
  at::Tensor forward(const at::Tensor& input_ids, const at::Tensor& mask,
                     ForwardContext& context) const {
    return forward(EncoderInput{input_ids, mask, {}}, context);
  }

  /// The hidden states of some tokens alone: (M, C), in the order of `rows`, which are positions
  /// b * N + i of the batch, ascending. The last layer computes queries, output matrix,
  /// feed-forward and norms there alone. Up to rounding, the values and gradients are those of
  /// forward(), with dropout too. Throws std::logic_error for a row that is padding.
  at::Tensor forward_rows(const EncoderInput& input, const std::vector<int64_t>& rows,
                          ForwardContext& context) const;

  /// The same for tokens that are on the input's device already, as its mask is. Padding, behind
  /// the tokens of each sequence, is computed as well, so that shapes do not depend on it.
  at::Tensor forward_rows(const EncoderInput& input, const ChosenTokens& chosen,
                          ForwardContext& context) const;

  const Embeddings& embeddings() const { return embeddings_; }

 private:
  /// What one layer hands to the next, rows (T, C): the residual stream, and its norm as the
  /// input of the next sublayer. With post-norm both are the same tensor.
  struct State {
    at::Tensor stream;
    at::Tensor input;
  };
  /// What all layers share in one call of forward().
  struct Call {
    PackedRows tokens;
    std::optional<ChosenTokens> chosen;  // of the last layer; empty = all
  };

  /// Throws UsageError for an input that is too long.
  BatchTokens tokens_of(const EncoderInput& input) const;
  /// Returns the states (T, C), or (M, C) at the chosen tokens of `call`.
  at::Tensor run_layers(const at::Tensor& embedded, const Call& call, ForwardContext& context,
                        std::vector<at::Tensor>* hidden_states) const;
  State run_layer(size_t index, const State& state, const Call& call,
                  ForwardContext& context) const;
  State recompute_layer(size_t index, const State& state, const Call& call,
                        ForwardContext& context) const;
  at::Tensor feed_forward(const EncoderLayer& layer, const at::Tensor& input) const;
  bool pre_norm() const { return config_.norm_position == NormPosition::kPre; }

  ModelConfig config_;
  Embeddings embeddings_;
  std::optional<ProjectionWeights> shared_projection_;
  std::vector<EncoderLayer> layers_;
  NormParameters final_norm_;  // pre-norm only
};

}  // namespace linformer
