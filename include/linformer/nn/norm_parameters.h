#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// Weight and shift of a norm, (C) each; RMSNorm has no shift.
struct NormParameters {
  at::Tensor weight;
  at::Tensor shift;
};

/// Adds PREFIX.weight (ones) and, for layer_norm, PREFIX.bias (zeros) of width hidden_size.
NormParameters add_norm(const ModelConfig& config, const std::string& prefix,
                        ParameterSet& parameters);

}  // namespace linformer
