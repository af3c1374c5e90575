#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "linformer/checkpoint/tensor_files.h"
#include "linformer/config/resume_rules.h"
#include "linformer/optim/loss_scaler.h"
#include "linformer/train/step_guard.h"

namespace linformer {

/// Everything besides weights and optimizer that a run needs to continue exactly. Data order, masks
/// and dropout are pure functions of the seed and the position, so no generator state is needed.
struct TrainingState {
  int64_t step = 0;                  ///< steps done, skipped ones included
  int64_t num_updates = 0;           ///< of them, updates of the weights
  int64_t position = 0;              ///< sequences taken from the data stream
  int64_t num_tokens = 0;            ///< tokens read, padding not counted
  double elapsed_seconds = 0.0;      ///< training time of all sessions of the run
  double learning_rate = 0.0;        ///< of the last step
  std::optional<double> best_score;  ///< of an evaluation, EvaluationScore::score
  int64_t best_step = 0;
  int64_t evaluations_since_best = 0;
  int64_t evaluated_step = -1;  ///< of the last evaluation; -1 = none, or unknown
  LossScaleState loss_scale;    ///< of fp16
  int64_t log_bytes = 0;        ///< length of log.jsonl; later lines belong to no checkpoint yet
  GuardState guard;

  // These have to be the same when the run is resumed.
  uint64_t seed = 0;
  uint64_t data_fingerprint = 0;
  // These are compared when the run is resumed.
  uint64_t held_out_fingerprint = 0;  ///< of what best_score was measured on
  Settings settings;                  ///< compared_settings() of the last step's session

  bool operator==(const TrainingState&) const = default;
};

/// The text of state.json, and back; `source` is for messages. Throws RunError.
std::string training_state_text(const TrainingState& state);
TrainingState parse_training_state(const std::string& text, const std::string& source);

/// FOLDER/training/state.json and optimizer.safetensors, which holds Optimizer::state().
void save_training_state(const std::string& folder, const TrainingState& state,
                         const NamedTensors& moments);

/// Reads both into `moments`, which have to be all of the file. The optimizer's count of updates is
/// TrainingState::num_updates. Throws RunError.
TrainingState load_training_state(const std::string& folder, const NamedTensors& moments);

}  // namespace linformer
