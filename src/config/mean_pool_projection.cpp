#include "linformer/config/projection_rules.h"

namespace linformer {
namespace {

/// Means over windows. They need no parameters. The matrices of key and value are applied after
/// them, since the mean of x W is (mean of x) W.
class MeanPoolRules : public ProjectionRules {
 public:
  std::vector<int64_t> shape(const ModelConfig&, int64_t) const override { return {}; }

  double multiply_adds(const ModelConfig& config, int64_t layer) const override {
    return features_of_k_rows(config, layer);
  }
};

}  // namespace

const ProjectionRules& mean_pool_projection_rules() {
  static const MeanPoolRules rules;
  return rules;
}

}  // namespace linformer
