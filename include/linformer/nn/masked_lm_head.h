#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/kernels/linear_cross_entropy.h"
#include "linformer/nn/encoder.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// RoBERTa's masked-LM head: logits = LN(gelu(h W + b)) D^T + c. D is the word embeddings (tied) or
/// a matrix of its own. Only the requested positions go through the head.
class MaskedLmHead {
 public:
  MaskedLmHead(const ModelConfig& config, const at::Tensor& word_embeddings,
               ParameterSet& parameters);

  /// Sum of the cross-entropies in nats.
  ///   hidden (M, C): hidden states of the labelled positions;  labels (M) int64;  returns a scalar
  at::Tensor loss_sum(const at::Tensor& hidden, const at::Tensor& labels) const;

  /// The cross-entropy of each position, without gradients: (M).
  at::Tensor losses(const at::Tensor& hidden, const at::Tensor& labels) const;

  /// The same losses, and the best word of each position.
  RowScores scores(const at::Tensor& hidden, const at::Tensor& labels) const;

  /// hidden (M, C) -> logits (M, V).
  at::Tensor logits(const at::Tensor& hidden) const;

 private:
  at::Tensor transform(const at::Tensor& hidden) const;

  double epsilon_;
  at::Tensor dense_weight_;  // (C, C)
  at::Tensor dense_bias_;    // (C)
  NormParameters norm_;
  at::Tensor decoder_weight_;  // (V, C)
  at::Tensor decoder_bias_;    // (V)
};

}  // namespace linformer
