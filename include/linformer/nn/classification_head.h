#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// RoBERTa's head for classification and regression, on the hidden state h of the first token:
/// logits = dropout(tanh(dropout(h) W + b)) U + c.
class ClassificationHead {
 public:
  ClassificationHead(const ModelConfig& config, int64_t num_outputs, ParameterSet& parameters);

  /// hidden (B, N, C), mask (B, N) or undefined -> (B, num_outputs). With padding on the left the
  /// first token is the first one that is no padding.
  at::Tensor logits(const at::Tensor& hidden, const at::Tensor& mask,
                    ForwardContext& context) const;

 private:
  double dropout_probability_;
  at::Tensor dense_weight_;  // (C, C)
  at::Tensor dense_bias_;    // (C)
  at::Tensor out_weight_;    // (num_outputs, C)
  at::Tensor out_bias_;      // (num_outputs)
};

}  // namespace linformer
