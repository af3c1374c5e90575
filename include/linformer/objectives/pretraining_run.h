#pragma once

#include <memory>
#include <optional>
#include <string>

#include "linformer/config/pretrain_config.h"
#include "linformer/objectives/masked_lm_objective.h"
#include "linformer/train/trainer.h"

namespace linformer {

/// settings_text() of what all processes of a run have to agree on: everything but places and
/// threads.
std::string shared_settings(PretrainConfig config);

/// Masked-LM pre-training of one run folder: MaskedLmObjective and its trainer.
class PretrainingRun {
 public:
  /// As Trainer's.
  explicit PretrainingRun(PretrainConfig config, std::shared_ptr<ProcessGroup> processes =
                                                     std::make_shared<ProcessGroup>());

  StopReason run() { return trainer_.run(); }

  const PretrainConfig& config() const { return task_.config(); }
  const TrainingState& state() const { return trainer_.state(); }
  const Model& model() const { return task_.model(); }
  /// The last evaluation of this session, if there was one.
  const std::optional<EvaluationResult>& last_evaluation() const { return task_.last_evaluation(); }

 private:
  MaskedLmObjective task_;
  Trainer trainer_;
};

}  // namespace linformer
