#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/kernels/packed_rows.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/linear.h"
#include "linformer/nn/parameters.h"
#include "linformer/nn/sequence_projection.h"

namespace linformer {

/// The input of attention: one batch in one layer, packed.
struct AttentionInput {
  at::Tensor x;       ///< (T, C), the batch's tokens
  PackedRows tokens;  ///< which rows of the batch (B, N) they are
  Linear query, key, value;
  at::Tensor full_value;    ///< (T, C), the values if computed already, else undefined
  at::Tensor x_of_queries;  ///< (R, C), x of the tokens that attend
  PackedRows queries;       ///< which rows of the batch they are
};

/// The operands of softmax(Q K^T / sqrt(D)) V for G heads of one layer, side by side; padded to the
/// longest sequence.
struct AttendedHeads {
  std::vector<int64_t> heads;  ///< (G), the layer's heads that these are
  at::Tensor query;            ///< (B, N, G * D)
  KeyValue key_value;          ///< (B, M, G * D) each; M = N, or k projected rows
  at::Tensor key_mask;         ///< (B, M) bool, true = may be attended to; undefined = all
  int64_t window = 0;          ///< keys at most window / 2 away are attended to; 0 = all
};

/// What one layer's attention computed in a forward pass: see ForwardContext::record_attention().
/// The heads of all entries of `attended` are those of the layer, each once.
struct AttentionRecord {
  AttentionInput input;
  std::vector<AttendedHeads> attended;
};

/// One kind of attention in one layer. It decides which keys and values a query attends to. The
/// AttentionRules of the same name hold its requirements on a configuration and its cost.
class Attention {
 public:
  virtual ~Attention() = default;

  /// Returns the heads side by side, (R, C). Whatever is attended to goes through Attend
  /// (src/nn/attend.h), which also records it.
  virtual at::Tensor forward(const AttentionInput& input, ForwardContext& context) const = 0;
};

/// What an attention is built from.
struct AttentionPlace {
  const ModelConfig& config;
  int64_t layer = 0;
  std::string prefix;                              ///< prefix of its parameters' names
  ParameterSet& parameters;                        ///< its own parameters are added here
  const std::optional<ProjectionWeights>& shared;  ///< the model's E, with layerwise sharing
};

/// The attention of this layer's kind, from the list in config/attention_kinds.h.
std::unique_ptr<const Attention> make_attention(const AttentionPlace& place);

#define LINFORMER_DECLARE(ENUMERATOR, NAME, WHAT) \
  std::unique_ptr<const Attention> make_##NAME##_attention(const AttentionPlace& place);
LINFORMER_ATTENTION_KINDS(LINFORMER_DECLARE)
#undef LINFORMER_DECLARE

}  // namespace linformer
