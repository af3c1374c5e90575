#include "linformer/config/attention_rules.h"

namespace linformer {
namespace {

class StandardRules : public AttentionRules {
 public:
  void validate(const ModelConfig&) const override {}

  AttentionCost multiply_adds(const ModelConfig& config, int64_t) const override {
    const auto d = static_cast<double>(config.hidden_size);
    const auto n = static_cast<double>(config.max_sequence_length);
    return {2 * d * d + 2 * n * d, 2 * d * d};
  }

  int64_t num_keys(const ModelConfig& config, int64_t) const override {
    return config.max_sequence_length;
  }
};

}  // namespace

const AttentionRules& standard_attention_rules() {
  static const StandardRules rules;
  return rules;
}

}  // namespace linformer
