#pragma once

#include "linformer/config/finetune_config.h"
#include "linformer/report/task_result.h"

namespace linformer {

/// The bag-of-words baseline on a task. It uses the same rows and metrics as a fine-tuning run and
/// writes the same files (result.json, predictions/) into `config.run.dir`. It needs no model;
/// run.seed draws the part of train that chooses its strength. Throws Error.
TaskResult run_bag_of_words(const FinetuneConfig& config);

}  // namespace linformer
