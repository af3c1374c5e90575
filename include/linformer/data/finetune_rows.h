#pragma once

#include <string>
#include <vector>

#include "linformer/config/finetune_config.h"
#include "linformer/data/labelled_examples.h"
#include "linformer/data/task_registry.h"

namespace linformer {

/// Rows of a split.
struct ExampleSet {
  std::string name;  ///< e.g. "dev_matched"
  std::string task;  ///< whose rows they are: "ax" for the diagnostics of MNLI
  std::vector<LabelledExample> examples;
  bool is_part = false;  ///< less than the published set

  /// Of each row; empty where the file has no labels.
  std::vector<float> targets() const;
};

/// What a fine-tuning run reads.
struct FinetuneRows {
  TaskSpec task;
  std::vector<LabelledExample> train;
  bool train_is_part = false;
  std::vector<ExampleSet> valid;  ///< the first one chooses the best epoch
  std::vector<ExampleSet> test;   ///< to be predicted at the end, with labels or without
};

/// Finds and reads the files of `config`, and holds out a part of train where the task has no
/// labelled files for that (task.valid_share) or on request (task.folds). MNLI brings AX along
/// where it lies beside it. Logs what was left out. Throws Error.
FinetuneRows read_finetune_rows(const TaskConfig& config);

}  // namespace linformer
