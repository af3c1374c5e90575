#pragma once

#include <cstdint>

#include "linformer/config/model_config.h"

namespace linformer {

/// Multiply-adds per token of one layer's attention.
struct AttentionCost {
  double queries = 0.0;  ///< for a token that attends: query and output matrices, scores, sums
  double keys = 0.0;     ///< keys and values, which every token takes part in
  double total() const { return queries + keys; }
};

/// The requirements of one kind of attention on a configuration, and its cost. The Attention of the
/// same name (nn/attention.h) computes with tensors.
class AttentionRules {
 public:
  virtual ~AttentionRules() = default;

  /// Throws UsageError that names the key if this kind refuses the configuration. Called for models
  /// that have a layer of this kind.
  virtual void validate(const ModelConfig& config) const = 0;

  virtual AttentionCost multiply_adds(const ModelConfig& config, int64_t layer) const = 0;

  /// Keys that a sequence of full length has in this layer.
  virtual int64_t num_keys(const ModelConfig& config, int64_t layer) const = 0;

  /// Parameters that a layer adds to the model besides query, key, value and output.
  virtual int64_t num_parameters(const ModelConfig& config, int64_t layer) const;
};

/// The rules of a kind, from the list in attention_kinds.h.
const AttentionRules& attention_rules(AttentionType type);

#define LINFORMER_DECLARE(ENUMERATOR, NAME, WHAT) const AttentionRules& NAME##_attention_rules();
LINFORMER_ATTENTION_KINDS(LINFORMER_DECLARE)
#undef LINFORMER_DECLARE

}  // namespace linformer
