#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "linformer/metrics/task_metrics.h"

namespace linformer {

/// The result of a model on one labelled set.
struct SetResult {
  std::string name;  ///< of the split, e.g. "dev"
  std::string task;
  int64_t rows = 0;
  bool is_part = false;  ///< less than the published set: not comparable with published results
  std::vector<MetricValue> metrics;  ///< the deciding one first
  double loss = 0.0;                 ///< mean cross-entropy in nats, or mean squared error
  double majority = 0.0;  ///< the deciding metric of the most frequent class; NaN for scores

  bool operator==(const SetResult&) const = default;
};

/// The outcome of one fine-tuning run: result.json of its folder.
struct TaskResult {
  std::string task;
  /// The model that was fine-tuned: run.init_from, or, if that was fine-tuned before, the model
  /// that it came from; or the name of a baseline.
  std::string model;
  int64_t seed = 0;
  int64_t fold = 0;
  std::string protocol;  ///< "task", "global", "tuned"
  /// The settings that distinguish runs, e.g. {"learning_rate", "1e-05"}, {"from", "mnli"}.
  std::vector<std::pair<std::string, std::string>> setting;
  int64_t train_rows = 0;
  bool train_is_part = false;
  int64_t steps = 0;
  int64_t best_step = 0;        ///< step of the evaluation whose weights are measured
  double seconds = 0.0;         ///< of training
  std::vector<SetResult> sets;  ///< the one that chose the step is first

  /// The deciding metric on the first set, for comparing runs. -1, the worst value, if it is
  /// undefined.
  double score() const;

  bool operator==(const TaskResult&) const = default;
};

/// The paths in a run folder of its TaskResult and of the predictions of a set.
std::string result_path(const std::string& run_folder);
std::string predictions_path(const std::string& run_folder, std::string set_name);

/// Conversion to JSON and back. Numbers that are not finite are null. Throws RunError that names
/// `source`.
std::string to_json(const TaskResult& result);
TaskResult task_result_from_json(const std::string& text, const std::string& source);

}  // namespace linformer
