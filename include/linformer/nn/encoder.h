#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/norm_parameters.h"
#include "linformer/nn/parameters.h"
#include "linformer/nn/self_attention.h"

namespace linformer {

/// A batch of token ids.
struct EncoderInput {
  at::Tensor input_ids;       ///< (B, N) int64
  at::Tensor mask;            ///< (B, N) bool, true = token; undefined = no padding
  at::Tensor token_type_ids;  ///< (B, N) int64, segments; undefined = all 0
};

/// Token, position and segment embeddings, their norm and dropout, as RoBERTa's: positions count
/// valid tokens from pad_token_id + 1 = 2; the rows of padding are zero and get no gradient from
/// here.
class Embeddings {
 public:
  Embeddings(const ModelConfig& config, ParameterSet& parameters);

  /// Returns (B, N, C).
  at::Tensor forward(const EncoderInput& input, ForwardContext& context) const;

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

/// One layer's matrices. How its sublayers and norms follow each other is the encoder's matter.
struct EncoderLayer {
  EncoderLayer(const ModelConfig& config, int64_t index, ParameterSet& parameters,
               const std::optional<ProjectionWeights>& shared);

  size_t first_parameter;  // of the set, which the others follow
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
/// Any padding is allowed: rows with padding on the left or in between are aligned to the left
/// first (E and F are indexed by position) and put back at the end.
class Encoder {
 public:
  Encoder(const ModelConfig& config, ParameterSet& parameters);

  /// N <= max_sequence_length; returns (B, N, C). `hidden_states`, if given, gets the embeddings'
  /// output and each layer's, the last one as returned (L + 1 tensors; pre-norm: the residual
  /// stream).
  /// Throws UsageError for a longer input.
  at::Tensor forward(const EncoderInput& input, ForwardContext& context,
                     std::vector<at::Tensor>* hidden_states = nullptr) const;
  at::Tensor forward(const at::Tensor& input_ids, const at::Tensor& mask,
                     ForwardContext& context) const {
    return forward(EncoderInput{input_ids, mask, {}}, context);
  }

  const Embeddings& embeddings() const { return embeddings_; }

 private:
  /// What goes from layer to layer, rows (B * N, C): the residual stream, and the input of the next
  /// sublayer, its norm. Post-norm: the same tensor.
  struct State {
    at::Tensor stream;
    at::Tensor input;
  };
  /// What all layers share in one call.
  struct Call {
    at::Tensor mask;
    std::vector<int64_t> shape;  // (B, N, C)
  };

  at::Tensor run_layers(const at::Tensor& embedded, const at::Tensor& mask, ForwardContext& context,
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
