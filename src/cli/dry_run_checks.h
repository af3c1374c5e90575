#pragma once

#include <cstdint>
#include <string>

#include "linformer/config/finetune_config.h"
#include "linformer/config/pretrain_config.h"

namespace linformer {

/// Throws UsageError if this run folder, or folder of many runs, is a file.
void refuse_file_as_folder(const std::string& folder);

/// What a dry run checks besides data and starting model: a batch that divides among the processes,
/// the precision, which it chooses as the run would, and a run folder that is a folder or can
/// become one. Says if the folder holds a run that would go on. Throws UsageError.
void begin_dry_run(PretrainConfig& config, int64_t num_processes, bool force_slow_precision);
void begin_dry_run(FinetuneConfig& config, int64_t num_processes, bool force_slow_precision);

}  // namespace linformer
