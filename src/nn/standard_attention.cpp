#include "full_attention.h"

#include "linformer/nn/attention.h"

namespace linformer {

/// Every query attends to every key.
std::unique_ptr<const Attention> make_standard_attention(const AttentionPlace& place) {
  const ModelConfig& config = place.config;
  return std::make_unique<FullAttention>(
      Attend{config.num_attention_heads, config.attention_probs_dropout_prob});
}

}  // namespace linformer
