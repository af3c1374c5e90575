#pragma once

#include <string>

#include <c10/core/Device.h>

#include "linformer/config/distributed_config.h"
#include "linformer/config/model_config.h"

namespace linformer {

/// The first field in which the models differ, e.g. "attention.sharing: none instead of headwise"
/// (`wanted` has none), "" if weights of one fit the other. How weights start and dropout may
/// differ.
std::string model_difference(ModelConfig wanted, ModelConfig saved);

/// The model, once it is known that the memory holds it with what training keeps for each weight
/// and with micro-batches of `num_sequences` of full length (nn/model_cost.h). Throws UsageError.
const ModelConfig& trainable(const ModelConfig& model, c10::Device device,
                             const DistributedConfig& distributed, int64_t num_sequences);

}  // namespace linformer
