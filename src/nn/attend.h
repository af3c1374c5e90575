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
  ///   query       (R, C), of `input`'s tokens that attend
  ///   key, value  (S, C), the rows `keys` of each sequence: its tokens, or projected rows
  ///   returns     (R, C)
  at::Tensor operator()(const AttentionInput& input, const at::Tensor& query,
                        const KeyValue& key_value, const PackedRows& keys,
                        ForwardContext& context) const;
};

}  // namespace linformer
