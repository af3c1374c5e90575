#pragma once

#include "linformer/config/finetune_config.h"
#include "linformer/config/pretrain_config.h"
#include "linformer/dist/process_group.h"

namespace linformer {

/// Replaces training.precision: auto, for all processes of a run alike. A run folder with a
/// config.yaml keeps what that says, so that a resumed run rounds as before. A new run takes what
/// rank 0 measures (choose_precision()). Rank 0 logs the choice and its reason.
///
/// Throws UsageError if the choice, or what the configuration itself names, is slower than fp32 on
/// the process's device; with `force_slow` it logs a warning instead.
void resolve_precision(PretrainConfig& config, ProcessGroup& processes, bool force_slow);
void resolve_precision(FinetuneConfig& config, ProcessGroup& processes, bool force_slow);

}  // namespace linformer
