#pragma once

#include <memory>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/attention.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/linear.h"
#include "linformer/nn/output_rows.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// Multi-head self-attention of one layer: the matrices of query, key and value, followed by the
/// layer's kind of attention.
///
/// Letters: B batch, N sequence, K projected, H heads, D head width, C = H * D hidden.
///
/// With value_convolution, the values are computed at all N positions, and a depthwise convolution
/// of them is added to the heads' output.
///
/// The padding contract: padded rows are set to zero on entry and, where a bias was added to them,
/// again before the sequence projection. Their content therefore changes nothing, and their
/// gradients are exactly zero.
class SelfAttention {
 public:
  /// `shared`: the model's E, with layerwise sharing.
  SelfAttention(const ModelConfig& config, int64_t layer, const std::string& prefix,
                ParameterSet& parameters, const std::optional<ProjectionWeights>& shared);

  ///   hidden  (B, N, C);  mask (B, N) bool, true = token; undefined = no padding
  ///   returns (B, N, C), the heads side by side, before the output matrix
  at::Tensor forward(const at::Tensor& hidden, const at::Tensor& mask,
                     ForwardContext& context) const;

  /// The same at some positions alone: (M, C). Only keys and values are computed at all of them.
  at::Tensor forward_rows(const at::Tensor& hidden, const at::Tensor& mask, const OutputRows& rows,
                          ForwardContext& context) const;

 private:
  AttentionInput input_of(const at::Tensor& hidden, const at::Tensor& mask,
                          ForwardContext& context) const;

  Linear query_;
  Linear key_;
  Linear value_;
  std::shared_ptr<const Attention> attention_;
  at::Tensor value_convolution_;  // (C, 1, W) or undefined
};

}  // namespace linformer
