#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/config/finetune_config.h"
#include "linformer/objectives/classification_objective.h"
#include "linformer/objectives/finetune_data.h"
#include "linformer/report/task_result.h"
#include "linformer/train/trainer.h"

namespace linformer {

/// Fine-tuning of one run folder: data, model, trainer, and the measurements at the end.
///
/// Besides the usual files, the run folder then has result.json, report.html, the model of the best
/// evaluation in checkpoints/best, and predictions/SPLIT.tsv for each held-out set.
class FinetuneRun {
 public:
  /// As Trainer's.
  explicit FinetuneRun(FinetuneConfig config,
                       std::shared_ptr<ProcessGroup> processes = std::make_shared<ProcessGroup>());

  /// Trains, returns to the best evaluation, measures and predicts. There is no result if a signal
  /// stopped the run.
  StopReason run();

  const FinetuneConfig& config() const { return config_; }
  const FinetuneData& data() const { return data_; }
  const Model& model() const { return task_.model(); }
  const TrainingState& state() const { return trainer_.state(); }
  const std::optional<TaskResult>& result() const { return result_; }

 private:
  /// Whether all sets were done.
  bool measure();

  FinetuneConfig config_;
  StartingModel start_;
  std::optional<TaskResult> before_;  ///< of the fine-tuned model that this run starts from
  FinetuneData data_;
  ClassificationObjective task_;
  Communicator communicator_;
  Trainer trainer_;
  std::optional<TaskResult> result_;
};

}  // namespace linformer
