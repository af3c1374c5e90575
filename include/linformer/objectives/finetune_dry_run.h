#pragma once

#include <string>

#include "linformer/config/finetune_config.h"

namespace linformer {

/// What fine-tuning reads and costs, without writing anything: rows and labels of each set,
/// lengths, steps, hours (from a probe of micro-batches all over the first epoch), memory with the
/// longest rows, and the schedule. Throws what a run would throw before its first step. Returns
/// text for people, several lines.
std::string describe_finetuning(const FinetuneConfig& config);

/// Opens the starting model and reads the rows, as the run would. Throws what it would throw.
void check_finetuning(const FinetuneConfig& config);

}  // namespace linformer
