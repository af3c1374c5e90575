#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/parameters.h"
#include "linformer/nn/sequence_projection.h"

namespace linformer {

/// Multi-head self-attention of one layer: over all n positions (standard), over the nearest ones
/// (local_window), or over k projected ones:
///
///   head_h = softmax(Q_h (E K)_h^T / sqrt(D)) (F V)_h      (arXiv 2006.04768, equation 7)
///
/// Letters: B batch, N sequence, K projected, H heads, D head width, C = H * D hidden.
///
/// features_first projects E (x W + 1 b^T), the paper's; sequence_first (E x) W + 1 b^T, the
/// official code's. Where the projection is linear in x both send only K rows through W, since
/// E (x W) = (E x) W; they differ in what the bias meets. For max pooling and convolutions they
/// are different functions. With value_convolution the values are needed at all N positions, and a
/// depthwise convolution of them is added to the heads' output.
///
/// The padding contract: padded rows are selected to zero on entry and, where a bias was added to
/// them, again before the sequence projection, so whatever they hold changes nothing, and their
/// gradients are exactly zero.
class SelfAttention {
 public:
  /// `shared`: the model-wide projection of layerwise sharing.
  SelfAttention(const ModelConfig& config, int64_t layer, const std::string& prefix,
                ParameterSet& parameters, const std::optional<SequenceProjection>& shared);

  ///   hidden  (B, N, C);  mask (B, N) bool, true = token; undefined = no padding
  ///   returns (B, N, C), the heads side by side, before the output matrix
  at::Tensor forward(const at::Tensor& hidden, const at::Tensor& mask,
                     ForwardContext& context) const;

 private:
  struct Linear {
    at::Tensor weight;  // (out, C)
    at::Tensor bias;    // (out)
  };
  struct KeyValue {
    at::Tensor key;    // (B, K or N, out)
    at::Tensor value;  // (B, K or N, out)
  };
  /// Heads with the same k and what belongs to them. Mostly one group, all heads.
  struct HeadGroup {
    std::vector<int64_t> heads;
    int64_t k = 0;
    Linear query, key, value;
    SequenceProjection projection;
    at::Tensor full_value;  // (B, N, out), only with value_convolution
  };
  /// The input of one call.
  struct Input {
    at::Tensor x;  // (B, N, C), padded rows zero
    at::Tensor mask;
    int64_t length() const { return x.size(1); }
  };

  HeadGroup group_of(size_t index, const at::Tensor& full_value) const;
  SequenceProjection layer_projection() const;
  at::Tensor attend_group(const HeadGroup& group, const Input& input,
                          ForwardContext& context) const;
  KeyValue project_key_value(const HeadGroup& group, const Input& input) const;
  KeyValue project_with_matrices(const HeadGroup& group, const Input& input) const;
  KeyValue pool_means(const HeadGroup& group, const Input& input) const;
  at::Tensor project_features(const at::Tensor& projection, const at::Tensor& mixed,
                              const Input& input, const Linear& linear) const;
  at::Tensor rescaled(const at::Tensor& projection, const Input& input,
                      const at::Tensor& projected) const;
  at::Tensor attend(const at::Tensor& query, const KeyValue& key_value, int64_t num_heads,
                    const at::Tensor& key_mask, ForwardContext& context) const;

  AttentionConfig attention_;
  AttentionType type_;
  int64_t max_length_;
  int64_t num_heads_;
  double dropout_probability_;
  Linear query_;
  Linear key_;
  Linear value_;
  bool shared_between_layers_;
  std::optional<SequenceProjection> projection_;
  std::vector<HeadGroup> groups_;  // heads and k only; at least one
  at::Tensor value_convolution_;   // (C, 1, W) or undefined
};

}  // namespace linformer
