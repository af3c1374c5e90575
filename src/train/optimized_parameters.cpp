#include "linformer/train/optimized_parameters.h"

namespace linformer {

namespace {

ParameterRole role_of(ParameterKind kind) {
  switch (kind) {
    case ParameterKind::kBias:
    case ParameterKind::kNorm:
      return ParameterRole::kBiasOrNorm;
    case ParameterKind::kProjection:
      return ParameterRole::kProjection;
    case ParameterKind::kWeight:
    case ParameterKind::kEmbedding:
      break;
  }
  return ParameterRole::kWeight;
}

}  // namespace

std::vector<OptimizedParameter> optimized_parameters(const ParameterSet& parameters) {
  std::vector<OptimizedParameter> result;
  for (const Parameter& parameter : parameters.all()) {
    result.push_back({parameter.name, parameter.tensor, role_of(parameter.kind)});
  }
  return result;
}

}  // namespace linformer
