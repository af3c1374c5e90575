#pragma once

#include <string>
#include <vector>

#include "linformer/core/table.h"
#include "linformer/report/task_result.h"
#include "linformer/report/task_table.h"

namespace linformer {

/// A result and the folder that holds it.
struct StoredResult {
  TaskResult result;
  std::string folder;
};

/// The results below a folder that a suite filled (TASK/PROTOCOL/seed-N/result.json), without what
/// a sweep tried; known tasks in the order of the registry, then others. Throws UsageError if there
/// is none.
std::vector<StoredResult> read_results(const std::string& output);

/// Whether read_results() would find any.
bool has_results(const std::string& output);

/// Rows for the tables, one for each labelled set of each result, with the predictions that the
/// run's folder holds. Held-out sets after the first count as tasks of their own ("mnli
/// dev_mismatched") that are not in the average. `model` replaces the name of the model, if given.
std::vector<TaskRun> task_runs(const std::vector<StoredResult>& results,
                               const std::string& model = "");

/// The tables of a suite: all tasks; protocols side by side where there are several; models side by
/// side where `runs` has several.
std::string suite_text(const std::vector<TaskRun>& runs, TableStyle style);
std::string suite_json(const std::vector<TaskRun>& runs);

}  // namespace linformer
