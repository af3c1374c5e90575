#include "model_check.h"

#include "linformer/config/config_file.h"

namespace linformer {

std::string model_difference(ModelConfig wanted, ModelConfig saved) {
  wanted.initializer_range = saved.initializer_range;  // how it started no longer matters
  wanted.position_init = saved.position_init;
  wanted.attention.init = saved.attention.init;
  wanted.hidden_dropout_prob = saved.hidden_dropout_prob;
  wanted.attention_probs_dropout_prob = saved.attention_probs_dropout_prob;
  return first_difference(fields_of(wanted), fields_of(saved));
}

}  // namespace linformer
