#pragma once

#include <string>

#include "linformer/config/trainer_config.h"
#include "linformer/dist/launch_environment.h"
#include "linformer/dist/process_group.h"
#include "linformer/objectives/resolve_precision.h"
#include "linformer/train/communicator.h"

namespace linformer {

/// Throws UsageError if this run folder, or folder of many runs, is a file.
void refuse_file_as_folder(const std::string& folder);

/// What a dry run checks besides data and starting model: a run folder that is a folder or can
/// become one. Says if the folder holds a run that would go on. Throws UsageError.
void check_before_run(const RunConfig& run);

/// What a dry run of either program begins with. Chooses the precision as the run would. Throws
/// UsageError.
template <class Config>
void begin_dry_run(Config& config, const LaunchEnvironment& environment,
                   bool force_slow_precision) {
  check_batch_divides(config.training, environment.world_size);
  ProcessGroup alone;
  resolve_precision(config, alone, force_slow_precision);
  check_before_run(config.run);
}

}  // namespace linformer
