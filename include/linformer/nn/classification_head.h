#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/encoder.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// RoBERTa's head for classification and regression, on what pooling (ClassifierPooling) makes of
/// the hidden states: logits = dropout(tanh(dropout(h) W + b)) U + c.
class ClassificationHead {
 public:
  /// `head` is a classification with at least one label, or a regression.
  ClassificationHead(const ModelConfig& config, const HeadConfig& head, ParameterSet& parameters);

  /// hidden (B, N, C), what the encoder made of `input` -> (B, num_outputs). With padding on the
  /// left the first token is the first one that is no padding. The first text of a pair are the
  /// tokens before the first </s>, with <s>; the second those between the second </s> and the
  /// third. A text without tokens has the mean 0.
  at::Tensor logits(const at::Tensor& hidden, const EncoderInput& input,
                    ForwardContext& context) const;

 private:
  at::Tensor pooled(const at::Tensor& hidden, const EncoderInput& input) const;

  ClassifierPooling pooling_;
  double dropout_probability_;
  at::Tensor dense_weight_;  // (C, C), of pair_mean (C, 4 C)
  at::Tensor dense_bias_;    // (C)
  at::Tensor out_weight_;    // (num_outputs, C)
  at::Tensor out_bias_;      // (num_outputs)
};

}  // namespace linformer
