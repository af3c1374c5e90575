#pragma once

#include "linformer/config/model_config.h"

namespace linformer {

/// An encoder of one layer of width 8, for sequences of up to 8 tokens of 11 words, without dropout
/// and with weights large enough to tell numbers apart.
inline ModelConfig tiny_model() {
  ModelConfig config;
  config.vocab_size = 11;
  config.hidden_size = 8;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = 8;
  config.hidden_dropout_prob = 0.0;
  config.attention_probs_dropout_prob = 0.0;
  config.initializer_range = 0.4;
  config.attention.projected_length = 3;
  return config;
}

}  // namespace linformer
