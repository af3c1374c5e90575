#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/encoder.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// RoBERTa's head for classification and regression. Pooling (ClassifierPooling) turns the hidden
/// states into h; logits = dropout(tanh(dropout(h) W + b)) U + c.
class ClassificationHead {
 public:
  /// `head` is a classification with at least one label, or a regression.
  ClassificationHead(const ModelConfig& config, const HeadConfig& head, ParameterSet& parameters);

  /// The scores of a batch: (B, num_outputs). The encoder's last layer computes only what pooling
  /// reads.
  at::Tensor logits(const Encoder& encoder, const EncoderInput& input,
                    ForwardContext& context) const;

  /// hidden (B, N, C), the encoder's output for `input` -> (B, num_outputs). With padding on the
  /// left, the first token is the first position that is not padding. The first text of a pair is
  /// <s> and the tokens before the first </s>. The second text is the tokens between the second
  /// </s> and the third. A text without tokens has the mean 0.
  at::Tensor logits(const at::Tensor& hidden, const EncoderInput& input,
                    ForwardContext& context) const;

 private:
  at::Tensor scores(const at::Tensor& pooled, ForwardContext& context) const;
  at::Tensor pooled(const at::Tensor& hidden, const EncoderInput& input) const;

  ClassifierPooling pooling_;
  double dropout_probability_;
  at::Tensor dense_weight_;  // (C, C); with pair_mean (C, 4 C)
  at::Tensor dense_bias_;    // (C)
  at::Tensor out_weight_;    // (num_outputs, C)
  at::Tensor out_bias_;      // (num_outputs)
};

}  // namespace linformer
