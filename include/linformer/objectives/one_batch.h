#pragma once

#include "linformer/config/pretrain_config.h"

namespace linformer {

/// The configuration of training.overfit_one_batch: a check of model and optimizer that takes
/// seconds. Every step takes the first batch again, with the same masks and without dropout, so the
/// loss has to fall towards 0. Nothing is evaluated or saved. Without that key, `config` as it is.
PretrainConfig one_batch_config(PretrainConfig config);

}  // namespace linformer
