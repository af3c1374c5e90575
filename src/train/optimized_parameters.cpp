#include "linformer/train/optimized_parameters.h"

namespace linformer {

std::vector<OptimizedParameter> optimized_parameters(const ParameterSet& parameters) {
  std::vector<OptimizedParameter> result;
  for (const Parameter& parameter : parameters.all()) {
    const bool decays =
        parameter.kind != ParameterKind::kBias && parameter.kind != ParameterKind::kNorm;
    result.push_back({parameter.name, parameter.tensor, decays});
  }
  return result;
}

}  // namespace linformer
