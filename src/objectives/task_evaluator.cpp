#include "linformer/objectives/task_evaluator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <ATen/ATen.h>

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/stop_signal.h"
#include "linformer/objectives/classification_loss.h"

namespace linformer {
namespace {

/// log(sum(exp(row)))
double log_sum_exp(std::span<const float> row) {
  const double highest = *std::max_element(row.begin(), row.end());
  double sum = 0.0;
  for (const float value : row) sum += std::exp(static_cast<double>(value) - highest);
  return highest + std::log(sum);
}

std::span<const float> row_of(const TaskOutputs& outputs, int64_t row) {
  const auto width = static_cast<size_t>(outputs.num_outputs);
  return std::span(outputs.values).subspan(static_cast<size_t>(row) * width, width);
}

}  // namespace

std::vector<float> TaskOutputs::predictions(TaskKind kind) const {
  if (kind == TaskKind::kRegression) return values;
  std::vector<float> classes;
  for (int64_t row = 0; row < num_rows(); ++row) {
    const std::span<const float> scores = row_of(*this, row);
    classes.push_back(
        static_cast<float>(std::max_element(scores.begin(), scores.end()) - scores.begin()));
  }
  return classes;
}

std::vector<double> TaskOutputs::probabilities(int64_t row) const {
  const std::span<const float> scores = row_of(*this, row);
  const double total = log_sum_exp(scores);
  std::vector<double> result;
  for (const float score : scores) result.push_back(std::exp(static_cast<double>(score) - total));
  return result;
}

TaskOutputs task_outputs(const Model& model, const LabelledDataset& set,
                         const OutputOptions& options) {
  TaskOutputs outputs;
  outputs.num_outputs = model.head_config().num_outputs();
  const auto width = static_cast<size_t>(outputs.num_outputs);
  outputs.values.assign(static_cast<size_t>(set.num_sequences()) * width, 0.0F);
  const int64_t end = set.num_evaluation_batches(options.batch_size);
  for (int64_t number = options.first_batch; number < end; number += options.batch_stride) {
    if (stop_signal() != 0) {
      outputs.complete = false;
      break;
    }
    const Batch batch = set.evaluation_batch(number, options.batch_size);
    const at::Tensor logits = classification_logits(model, batch).contiguous();
    const float* data = logits.data_ptr<float>();
    for (size_t i = 0; i < batch.samples.size(); ++i) {
      const auto row = static_cast<size_t>(batch.samples[i].index);
      std::copy_n(data + i * width, width,
                  outputs.values.begin() + static_cast<ptrdiff_t>(row * width));
    }
    if (options.progress) {
      options.progress(std::min((number + 1) * options.batch_size, set.num_sequences()));
    }
  }
  return outputs;
}

TaskMeasures measure_task(const TaskSpec& task, const TaskOutputs& outputs,
                          std::span<const float> targets) {
  const auto rows = static_cast<size_t>(outputs.num_rows());
  if (rows != targets.size()) throw std::logic_error("as many outputs as targets are needed");
  for (size_t i = 0; i < rows; ++i) {
    if (std::isnan(targets[i])) {
      fail_run(task.name, "row " + std::to_string(i) + " has no label",
               "measure on a file with labels");
    }
  }
  std::vector<float> predictions = outputs.predictions(task.kind);
  TaskMeasures measures;
  double sum = 0.0;
  if (task.kind == TaskKind::kRegression) {
    for (size_t i = 0; i < rows; ++i) {
      const double difference = static_cast<double>(predictions[i]) - targets[i];
      sum += difference * difference;
      if (task.max_score > task.min_score) {
        predictions[i] = std::clamp(predictions[i], static_cast<float>(task.min_score),
                                    static_cast<float>(task.max_score));
      }
    }
  } else {
    for (size_t i = 0; i < rows; ++i) {
      const std::span<const float> scores = row_of(outputs, static_cast<int64_t>(i));
      sum += log_sum_exp(scores) - static_cast<double>(scores[static_cast<size_t>(targets[i])]);
    }
  }
  measures.loss = sum / static_cast<double>(std::max<size_t>(1, rows));
  measures.metrics = metric_values(task.metrics, predictions, targets);
  measures.majority = majority_baseline(task.metrics.front(), targets);
  return measures;
}

PredictionTable prediction_table(const TaskSpec& task, std::span<const LabelledExample> examples,
                                 const TaskOutputs& outputs) {
  const bool regression = task.kind == TaskKind::kRegression;
  PredictionTable table;
  if (!regression) table.labels = task.label_names();
  const auto shown = [&](float value) {
    return regression ? format_number(static_cast<double>(value), 6)
                      : table.labels.at(static_cast<size_t>(value));
  };
  const std::vector<float> predictions = outputs.predictions(task.kind);
  for (size_t row = 0; row < predictions.size(); ++row) {
    const LabelledExample& example = examples[row];
    table.rows.push_back(
        {example.line, example.id, example.has_target() ? shown(example.target) : "",
         shown(predictions[row]),
         regression ? std::vector<double>{} : outputs.probabilities(static_cast<int64_t>(row))});
  }
  return table;
}

std::optional<SetResult> record_set(const std::string& run_folder, const TaskSpec& task,
                                    const ExampleSet& set, const TaskOutputs& outputs) {
  make_directories(run_folder + "/predictions");
  write_file_atomically(predictions_path(run_folder, set.name),
                        prediction_table(task, set.examples, outputs).text());
  const std::vector<float> targets = set.targets();
  if (targets.empty()) return std::nullopt;
  TaskSpec measured = task;
  if (set.task != task.name) measured.metrics = find_task(set.task).metrics;
  const TaskMeasures measures = measure_task(measured, outputs, targets);
  return SetResult{set.name,         set.task,      outputs.num_rows(), set.is_part,
                   measures.metrics, measures.loss, measures.majority};
}

}  // namespace linformer
