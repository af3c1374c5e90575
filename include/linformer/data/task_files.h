#pragma once

#include <string>
#include <vector>

#include "linformer/data/task_registry.h"

namespace linformer {

/// The files that were found for a split.
struct SplitFiles {
  std::string name;
  SplitRole role = SplitRole::kTrain;
  std::vector<std::string> paths;
  TableLayout layout;
  bool is_part = false;  ///< results are not comparable with published results
};

struct TaskFiles {
  std::string folder;
  TaskSpec task;
  std::vector<SplitFiles> splits;

  /// Throws UsageError that names the expected files.
  const SplitFiles& split(const std::string& split_name) const;
  bool has(const std::string& split_name) const;
  /// All splits of a role, e.g. both dev sets of MNLI.
  std::vector<const SplitFiles*> of_role(SplitRole role) const;
};

/// Finds a task's files in `folder`: in a folder of the task inside it (CoLA, glue/CoLA) or, if
/// there is none, in `folder` itself. Files may be plain, .zst or .gz. Throws UsageError if none is
/// found.
TaskFiles find_task_files(const TaskSpec& task, const std::string& folder);

}  // namespace linformer
