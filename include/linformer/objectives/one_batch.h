#pragma once

#include "linformer/config/pretrain_config.h"

namespace linformer {

/// The configuration for training.overfit_one_batch, a check of model and optimizer that takes
/// seconds. Every step uses the first batch, with the same masks and without dropout, so the loss
/// has to fall towards 0. Nothing is evaluated or saved. Without that key, `config` unchanged.
PretrainConfig one_batch_config(PretrainConfig config);

}  // namespace linformer
