#include "full_attention.h"

#include "linformer/nn/attention.h"

namespace linformer {

/// A query attends to the keys at most attention_window / 2 positions away.
std::unique_ptr<const Attention> make_local_window_attention(const AttentionPlace& place) {
  const ModelConfig& config = place.config;
  return std::make_unique<FullAttention>(Attend{config.num_attention_heads,
                                                config.attention_probs_dropout_prob,
                                                config.attention.attention_window});
}

}  // namespace linformer
