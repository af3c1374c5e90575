#pragma once

#include <string>
#include <vector>

#include "linformer/config/finetune_config.h"
#include "linformer/data/labelled_examples.h"
#include "linformer/data/task_registry.h"

namespace linformer {

/// The rows of a split.
struct ExampleSet {
  std::string name;  ///< e.g. "dev_matched"
  std::string task;  ///< the task of the rows: "ax" for the diagnostics of MNLI
  std::vector<LabelledExample> examples;
  bool is_part = false;  ///< less than the published set

  /// The target of each row; empty if the file has no labels.
  std::vector<float> targets() const;
};

/// What a fine-tuning run reads.
struct FinetuneRows {
  TaskSpec task;
  std::vector<LabelledExample> train;
  bool train_is_part = false;
  std::vector<ExampleSet> valid;  ///< the first one chooses the best epoch
  std::vector<ExampleSet> test;   ///< predicted at the end, with labels or without; none if off
};

/// Finds and reads the files of `config`. Holds out a part of train if the task has no labelled
/// files for validation (task.valid_share) or on request (task.folds). For MNLI, AX is read too if
/// it lies beside it. Logs what was left out. Throws Error.
FinetuneRows read_finetune_rows(const TaskConfig& config);

/// Finds the files of `config` without reading them. Throws Error if there is nothing to train on.
void check_finetune_files(const TaskConfig& config);

}  // namespace linformer
