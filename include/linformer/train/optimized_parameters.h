#pragma once

#include <vector>

#include "linformer/nn/parameters.h"
#include "linformer/optim/optimizer.h"

namespace linformer {

/// A model's parameters as the optimizer sees them, by their kinds.
std::vector<OptimizedParameter> optimized_parameters(const ParameterSet& parameters);

}  // namespace linformer
