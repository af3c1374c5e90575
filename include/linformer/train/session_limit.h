#pragma once

#include <optional>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// Seconds from now until a run should save and stop, because the process will be ended from
/// outside. This is checkpoint.save_before_seconds ahead of training.session_hours, or of the end
/// of the job that SLURM names in SLURM_JOB_END_TIME (seconds since 1970), whichever comes first.
/// Nothing if there is no such limit.
std::optional<double> seconds_to_session_end(const TrainerConfig& config);

}  // namespace linformer
