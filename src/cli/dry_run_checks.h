#pragma once

#include <string>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// Throws UsageError if this run folder, or folder of many runs, is a file.
void refuse_file_as_folder(const std::string& folder);

/// What a dry run checks besides data and starting model: a run folder that is a folder or can
/// become one. Says if the folder holds a run that would go on. Throws UsageError.
void check_before_run(const RunConfig& run);

}  // namespace linformer
