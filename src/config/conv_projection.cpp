#include "linformer/config/projection_rules.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

/// Kernels of n / k taps: one per channel, or one for each pair of channels of a head.
class ConvRules : public ProjectionRules {
 public:
  std::vector<int64_t> shape(const ModelConfig& config, int64_t layer) const override {
    const int64_t width = config.max_sequence_length / config.projected_lengths(layer).front();
    return {config.hidden_size, mixes(config) ? config.head_size() : 1, width};
  }

  double multiply_adds(const ModelConfig& config, int64_t layer) const override {
    const auto d = static_cast<double>(config.hidden_size);
    const double mixing = mixes(config) ? 2 * d * static_cast<double>(config.head_size()) : 0.0;
    return key_value_features(config, layer) + mixing;
  }

  bool allows_k_per_head() const override { return false; }

  void validate(const ModelConfig& config) const override {
    if (config.attention.init != ProjectionInit::kJl) return;
    fail_usage("model.attention.init", "jl is for dense matrices; projection is conv",
               "use block_average (a mean) or normal");
  }

 private:
  static bool mixes(const ModelConfig& config) {
    return config.attention.convolution_mixing == ConvolutionMixing::kHead;
  }
};

}  // namespace

const ProjectionRules& conv_projection_rules() {
  static const ConvRules rules;
  return rules;
}

}  // namespace linformer
