#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "linformer/config/model_config.h"

namespace linformer {

/// One attention to measure.
struct AttentionVariant {
  std::string name;
  std::function<void(AttentionConfig&)> change;  ///< makes the defaults this variant
  bool unfused = false;                          ///< ForwardContext::set_unfused_attention()
};

/// Every kind of attention and of projection, from the list in config/attention_kinds.h: the kinds
/// besides the Linformer by name, standard_unfused, the Linformer by its sharing (headwise,
/// key_value, none) and, with its default sharing, by its further projections and with a
/// convolution of the values.
std::vector<AttentionVariant> attention_variants();

/// A model of one layer for sequences of n tokens, without dropout on the probabilities, whose
/// attention is what `options` and the variant say. Options has hidden_size, num_attention_heads,
/// projected_length and attention_window.
template <class Options>
ModelConfig one_layer(const Options& options, const AttentionVariant& variant, int64_t n) {
  ModelConfig config;
  config.hidden_size = options.hidden_size;
  config.num_attention_heads = options.num_attention_heads;
  config.num_hidden_layers = 1;
  config.max_sequence_length = n;
  config.attention_probs_dropout_prob = 0.0;
  config.attention.projected_length = options.projected_length;
  config.attention.attention_window = options.attention_window;
  variant.change(config.attention);
  return config;
}

/// Whether the configuration is valid; for example, k may exceed n or not divide it.
bool is_possible(const ModelConfig& config);

}  // namespace linformer
