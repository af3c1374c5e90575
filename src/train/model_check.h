#pragma once

#include <string>

#include "linformer/config/model_config.h"

namespace linformer {

/// The first field in which the models differ, e.g. "attention.sharing: none instead of headwise"
/// (`wanted` has none), "" if weights of one fit the other. How weights start and dropout may
/// differ.
std::string model_difference(ModelConfig wanted, ModelConfig saved);

}  // namespace linformer
