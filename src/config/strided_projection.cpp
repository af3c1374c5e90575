#include <string>

#include "linformer/config/projection_rules.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

/// One E per head whose rows start as selections of single positions.
class StridedRules : public ProjectionRules {
 public:
  std::vector<int64_t> shape(const ModelConfig& config, int64_t layer) const override {
    return {config.num_attention_heads, config.projected_lengths(layer).front(),
            config.max_sequence_length};
  }

  double multiply_adds(const ModelConfig& config, int64_t layer) const override {
    return dense_projection(config, layer);
  }

  bool has_matrices() const override { return true; }
  bool allows_k_per_head() const override { return false; }
  bool allows_sharing() const override { return false; }
  bool has_own_start() const override { return true; }

  void validate(const ModelConfig& config) const override {
    const ProjectionInit init = config.attention.init;
    if (init == ProjectionInit::kNormal || init == ProjectionInit::kStrided) return;
    fail_usage("model.attention.init",
               std::string(name_of(init)) + ", and projection strided starts as exact positions",
               "leave it out");
  }
};

}  // namespace

const ProjectionRules& strided_projection_rules() {
  static const StridedRules rules;
  return rules;
}

}  // namespace linformer
