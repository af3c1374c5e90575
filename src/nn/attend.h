#pragma once

#include <cstdint>
#include <vector>

#include "linformer/nn/attention.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/linear.h"

namespace linformer {

/// softmax(Q K^T / sqrt(D)) V of every head.
struct Attend {
  int64_t num_heads = 1;
  double dropout = 0.0;
  int64_t window = 0;               ///< keys at most window / 2 away from the query; 0 = all
  std::vector<int64_t> heads = {};  ///< the layer's heads that these are; empty = all of them

  /// Adds the operands to the layer's record if the context has one.
  ///   query     (B, N, C), of `input`'s positions that attend;  key, value (B, K, C)
  ///   key_mask  (B, K) bool, true = seen; undefined = all
  ///   returns   (B, N, C)
  at::Tensor operator()(const AttentionInput& input, const at::Tensor& query,
                        const KeyValue& key_value, const at::Tensor& key_mask,
                        ForwardContext& context) const;
};

}  // namespace linformer
