#include <algorithm>
#include <string>

#include "rules.h"

#include "linformer/config/attention_rules.h"

namespace linformer {
namespace {

class LocalWindowRules : public AttentionRules {
 public:
  void validate(const ModelConfig& config) const override {
    const int64_t window = config.attention.attention_window;
    require_in(between(2, kLargestSize), "model.attention.attention_window", window);
    if (window % 2 == 0) return;
    fail_usage("model.attention.attention_window", std::to_string(window) + " is odd",
               "give an even width, half of it on each side, e.g. " + std::to_string(window + 1));
  }

  AttentionCost multiply_adds(const ModelConfig& config, int64_t) const override {
    const auto d = static_cast<double>(config.hidden_size);
    const int64_t seen =
        std::min(config.max_sequence_length, config.attention.attention_window + 1);
    return {2 * d * d + 2 * static_cast<double>(seen) * d, 2 * d * d};
  }

  int64_t num_keys(const ModelConfig& config, int64_t) const override {
    return config.max_sequence_length;
  }
};

}  // namespace

const AttentionRules& local_window_attention_rules() {
  static const LocalWindowRules rules;
  return rules;
}

}  // namespace linformer
