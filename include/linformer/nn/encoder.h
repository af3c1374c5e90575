#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/parameters.h"
#include "linformer/nn/self_attention.h"

namespace linformer {

/// Weight and shift of a layer norm, (C) each.
struct NormParameters {
  at::Tensor weight;
  at::Tensor shift;
};

/// Token and position embeddings, their norm and dropout, as RoBERTa's: positions count valid
/// tokens from pad_token_id + 1 = 2; the rows of padding are zero and get no gradient from here.
class Embeddings {
 public:
  Embeddings(const ModelConfig& config, ParameterSet& parameters);

  ///   input_ids (B, N) int64;  mask (B, N) bool or undefined;  returns (B, N, C)
  at::Tensor forward(const at::Tensor& input_ids, const at::Tensor& mask,
                     ForwardContext& context) const;

  const at::Tensor& word_weight() const { return words_; }

 private:
  bool tied_;  // the masked-LM head uses words_ as well
  double epsilon_;
  double dropout_probability_;
  at::Tensor words_;      // (V, C)
  at::Tensor positions_;  // (n + 2, C)
  NormParameters norm_;
};

/// One layer's matrices. How its sublayers and norms follow each other is the encoder's matter.
struct EncoderLayer {
  EncoderLayer(const ModelConfig& config, int64_t index, ParameterSet& parameters,
               const std::optional<SequenceProjection>& shared);

  SelfAttention attention;
  at::Tensor attention_output_weight, attention_output_bias;
  NormParameters attention_norm;
  at::Tensor intermediate_weight, intermediate_bias;
  at::Tensor output_weight, output_bias;
  NormParameters output_norm;
};

/// A RoBERTa encoder with standard or Linformer attention.
///
///   post-norm:  x = LN(x + dropout(f(x)))            for f in attention, feed-forward
///   pre-norm:   x = x + dropout(f(LN(x))), and a last LN at the end
///
/// Any padding is allowed: rows with padding on the left or in between are aligned to the left
/// first (E and F are indexed by position) and put back at the end.
class Encoder {
 public:
  Encoder(const ModelConfig& config, ParameterSet& parameters);

  ///   input_ids (B, N) int64, N <= max_sequence_length;  mask (B, N) bool or undefined
  ///   returns (B, N, C)
  /// Throws UsageError for a longer input or an id outside the vocabulary.
  at::Tensor forward(const at::Tensor& input_ids, const at::Tensor& mask,
                     ForwardContext& context) const;

  const Embeddings& embeddings() const { return embeddings_; }

 private:
  at::Tensor run_layers(const at::Tensor& embedded, const at::Tensor& mask,
                        ForwardContext& context) const;

  ModelConfig config_;
  Embeddings embeddings_;
  std::optional<SequenceProjection> shared_projection_;
  std::vector<EncoderLayer> layers_;
  NormParameters final_norm_;  // pre-norm only
};

}  // namespace linformer
