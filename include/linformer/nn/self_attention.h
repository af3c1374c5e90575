#pragma once

#include <memory>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/kernels/packed_rows.h"
#include "linformer/nn/attention.h"
#include "linformer/nn/batch_tokens.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/linear.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// Multi-head self-attention of one layer: the matrices of query, key and value, followed by the
/// layer's kind of attention.
///
/// Letters: B batch, N sequence, T tokens, R tokens that attend, K projected, H heads, D head
/// width, C = H * D hidden.
///
/// With value_convolution, the values are computed for all tokens, and a depthwise convolution of
/// them is added to the heads' output.
///
/// The padding contract: only tokens are computed. Padding is left out on entry, so its content
/// changes nothing, and its gradients are exactly zero. Where rows have to be at their positions
/// (sequence projection, convolution), zeros are put in its place.
class SelfAttention {
 public:
  /// `shared`: the model's E, with layerwise sharing.
  SelfAttention(const ModelConfig& config, int64_t layer, const std::string& prefix,
                ParameterSet& parameters, const std::optional<ProjectionWeights>& shared);

  ///   hidden   (T, C), the rows `tokens` of a batch: the first ones of each sequence
  ///   queries  the tokens that attend; without them, all. Keys and values are computed for all
  ///   returns  (R, C), the heads side by side, before the output matrix
  at::Tensor forward(const at::Tensor& hidden, const PackedRows& tokens,
                     const std::optional<ChosenTokens>& queries, ForwardContext& context) const;

  /// For a batch as it comes, with any padding:
  ///
  ///   hidden  (B, N, C);  mask (B, N) bool, true = token; undefined = no padding
  ///   returns (B, N, C), zero at padding
  at::Tensor forward(const at::Tensor& hidden, const at::Tensor& mask,
                     ForwardContext& context) const;

 private:
  Linear query_;
  Linear key_;
  Linear value_;
  std::shared_ptr<const Attention> attention_;
  at::Tensor value_convolution_;  // (C, 1, W) or undefined
};

}  // namespace linformer
