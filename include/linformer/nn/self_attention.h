#pragma once

#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/parameters.h"
#include "linformer/nn/sequence_projection.h"

namespace linformer {

/// Multi-head self-attention, standard or with k projected positions instead of n.
///
///   head_h = softmax(Q_h (E K)_h^T / sqrt(D)) (F V)_h      (arXiv 2006.04768, equation 7)
///
/// Letters: B batch, N sequence, K projected, H heads, D head width, C = H * D hidden.
///
/// features_first projects E (x W + 1 b^T), the paper's; sequence_first (E x) W + 1 b^T, the
/// official code's. Both send only K rows through W, since E (x W) = (E x) W; they differ in what
/// the bias meets. With value_convolution the values are needed at all N positions, and a depthwise
/// convolution of them is added to the heads' output.
///
/// The padding contract: padded rows are selected to zero on entry and, where a bias was added to
/// them, again before the sequence projection, so whatever they hold changes nothing, and their
/// gradients are exactly zero.
class SelfAttention {
 public:
  /// `shared`: the model-wide projection of layerwise sharing.
  SelfAttention(const ModelConfig& config, const std::string& prefix, ParameterSet& parameters,
                const std::optional<SequenceProjection>& shared);

  ///   hidden  (B, N, C);  mask (B, N) bool, true = token; undefined = no padding
  ///   returns (B, N, C), the heads side by side, before the output matrix
  at::Tensor forward(const at::Tensor& hidden, const at::Tensor& mask,
                     ForwardContext& context) const;

 private:
  struct Linear {
    at::Tensor weight;  // (C, C)
    at::Tensor bias;    // (C)
  };
  struct KeyValue {
    at::Tensor key;    // (B, K or N, C)
    at::Tensor value;  // (B, K or N, C)
  };

  KeyValue project_key_value(const at::Tensor& hidden, const at::Tensor& mask,
                             const at::Tensor& full_value) const;
  at::Tensor project_features(const at::Tensor& projection, const at::Tensor& mixed,
                              const at::Tensor& hidden, const at::Tensor& mask,
                              const Linear& linear) const;
  at::Tensor attend(const at::Tensor& query, const KeyValue& key_value, const at::Tensor& key_mask,
                    ForwardContext& context) const;

  AttentionConfig attention_;
  int64_t num_heads_;
  double dropout_probability_;
  Linear query_;
  Linear key_;
  Linear value_;
  std::optional<SequenceProjection> projection_;
  at::Tensor value_convolution_;  // (C, 1, W) or undefined
};

}  // namespace linformer
