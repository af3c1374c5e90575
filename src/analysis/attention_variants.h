#pragma once

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

/// Whether the configuration is valid; for example, k may exceed n or not divide it.
bool is_possible(const ModelConfig& config);

}  // namespace linformer
