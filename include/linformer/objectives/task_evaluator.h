#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "linformer/data/finetune_rows.h"
#include "linformer/data/labelled_dataset.h"
#include "linformer/data/task_registry.h"
#include "linformer/metrics/task_metrics.h"
#include "linformer/nn/model.h"
#include "linformer/report/prediction_table.h"
#include "linformer/report/task_result.h"

namespace linformer {

/// What a model gave for the rows of a set, in the order of its file.
struct TaskOutputs {
  int64_t num_outputs = 1;
  std::vector<float> values;  ///< (rows, num_outputs): class scores before the softmax, or a number
  bool complete = true;       ///< false if a stop signal cut it short

  int64_t num_rows() const { return static_cast<int64_t>(values.size()) / num_outputs; }
  /// The best class of each row (the first of equal ones), or the number.
  std::vector<float> predictions(TaskKind kind) const;
  /// softmax of a row.
  std::vector<double> probabilities(int64_t row) const;
};

/// The batches of a set that one of several processes computes; the other rows stay 0.
struct OutputOptions {
  int64_t batch_size = 32;
  int64_t first_batch = 0;
  int64_t batch_stride = 1;
  std::function<void(int64_t rows)> progress = {};  ///< called after each batch, if set
};

/// Runs the rows of a set through a model, similar lengths together, without dropout.
TaskOutputs task_outputs(const Model& model, const LabelledDataset& set,
                         const OutputOptions& options);

struct TaskMeasures {
  std::vector<MetricValue> metrics;  ///< of the task, the deciding one first
  double loss = 0.0;                 ///< mean cross-entropy in nats, or mean squared error
  double majority = 0.0;  ///< the deciding metric of the most frequent class; NaN for scores
};

/// Compares with the targets of the rows. Scores are clipped to the task's range first. Throws
/// RunError where a target is missing.
TaskMeasures measure_task(const TaskSpec& task, const TaskOutputs& outputs,
                          std::span<const float> targets);

/// What is written for people and for GLUE's server.
PredictionTable prediction_table(const TaskSpec& task, std::span<const LabelledExample> examples,
                                 const TaskOutputs& outputs);

/// Writes the predictions of a set into a run's folder (predictions_path()) and, where the set has
/// labels, measures them: by `task`'s metrics, or by those of the set's own task (AX).
std::optional<SetResult> record_set(const std::string& run_folder, const TaskSpec& task,
                                    const ExampleSet& set, const TaskOutputs& outputs);

}  // namespace linformer
