#pragma once

#include "linformer/config/trainer_config.h"

namespace linformer {

/// What a dry run checks besides the data: a model to begin with that is there, and a run folder
/// that is a folder or can become one. Says if the folder holds a run that would go on. Throws
/// UsageError.
void check_before_run(const RunConfig& run);

}  // namespace linformer
