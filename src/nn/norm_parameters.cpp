#include "linformer/nn/norm_parameters.h"

namespace linformer {

NormParameters add_norm(const ModelConfig& config, const std::string& prefix,
                        ParameterSet& parameters) {
  NormParameters norm;
  norm.weight =
      parameters.add_constant(prefix + ".weight", ParameterKind::kNorm, {config.hidden_size}, 1.0);
  if (config.norm_type == NormType::kLayerNorm) {
    norm.shift =
        parameters.add_constant(prefix + ".bias", ParameterKind::kNorm, {config.hidden_size}, 0.0);
  }
  return norm;
}

}  // namespace linformer
