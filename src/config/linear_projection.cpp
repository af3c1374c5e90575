#include <numeric>

#include "linformer/config/projection_rules.h"

namespace linformer {
namespace {

/// Dense matrices E, F of k x n numbers.
class LinearRules : public ProjectionRules {
 public:
  std::vector<int64_t> shape(const ModelConfig& config, int64_t layer) const override {
    const std::vector<int64_t> lengths = config.projected_lengths(layer);
    const int64_t n = config.max_sequence_length;
    if (lengths.size() > 1) return {std::accumulate(lengths.begin(), lengths.end(), int64_t{0}), n};
    if (config.attention.sharing == SharingMode::kNone) {
      return {config.num_attention_heads, lengths.front(), n};
    }
    return {lengths.front(), n};
  }

  double multiply_adds(const ModelConfig& config, int64_t layer) const override {
    return dense_projection(config, layer);
  }

  bool has_windows() const override { return false; }
  bool has_matrices() const override { return true; }
};

}  // namespace

const ProjectionRules& linear_projection_rules() {
  static const LinearRules rules;
  return rules;
}

}  // namespace linformer
