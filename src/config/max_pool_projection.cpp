#include "linformer/config/projection_rules.h"

namespace linformer {
namespace {

/// Maxima over windows: no parameters. The matrices of key and value are applied to n rows or to k,
/// as the order says.
class MaxPoolRules : public ProjectionRules {
 public:
  std::vector<int64_t> shape(const ModelConfig&, int64_t) const override { return {}; }

  double multiply_adds(const ModelConfig& config, int64_t layer) const override {
    return key_value_features(config, layer);
  }
};

}  // namespace

const ProjectionRules& max_pool_projection_rules() {
  static const MaxPoolRules rules;
  return rules;
}

}  // namespace linformer
