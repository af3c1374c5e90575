#pragma once

#include <string>
#include <vector>

#include "linformer/data/task_registry.h"

namespace linformer {

/// The files of a split that were found.
struct SplitFiles {
  std::string name;
  SplitRole role = SplitRole::kTrain;
  std::vector<std::string> paths;
  TableLayout layout;
  bool is_part = false;  ///< results are not comparable with published ones
};

struct TaskFiles {
  std::string folder;
  TaskSpec task;
  std::vector<SplitFiles> splits;

  /// Throws RunError that names the files looked for.
  const SplitFiles& split(const std::string& split_name) const;
  bool has(const std::string& split_name) const;
  /// All of a role, e.g. both dev sets of MNLI.
  std::vector<const SplitFiles*> of_role(SplitRole role) const;
};

/// Looks for a task's files in `folder`: in a folder of the task in it (CoLA, glue/CoLA) or, if
/// there is none, in itself. Plain, .zst or .gz. Throws RunError if none is found.
TaskFiles find_task_files(const TaskSpec& task, const std::string& folder);

}  // namespace linformer
