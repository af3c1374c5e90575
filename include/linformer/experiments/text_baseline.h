#pragma once

#include "linformer/config/finetune_config.h"
#include "linformer/report/task_result.h"

namespace linformer {

/// The bag-of-words baseline on a task, with the same rows, metrics and files (result.json,
/// predictions/) in `config.run.dir` as a fine-tuning run has. It needs no model; run.seed draws
/// the part of train that chooses its strength. Throws Error.
TaskResult run_bag_of_words(const FinetuneConfig& config);

}  // namespace linformer
