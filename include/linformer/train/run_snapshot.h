#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "linformer/checkpoint/model_folder.h"
#include "linformer/train/training_state.h"
#include "linformer/train/training_task.h"

namespace linformer {

/// Everything that a checkpoint of a run holds, copied out of the trainer, so that training may go
/// on while it is written.
struct RunSnapshot {
  std::string config_json;
  std::string tokenizer_model;
  NamedTensors weights;
  NamedTensors optimizer;
  TrainingState state;
  std::vector<uint64_t> unigram_counts;  ///< empty: not written
  NamedTensors average;                  ///< of the weights, with training.ema_decay; else empty

  /// Of all tensors.
  size_t tensor_bytes() const;
};

/// Copies the weights, `moments` (Optimizer::state()) and `average` (WeightAverage::state()) into
/// memory of their own, on the CPU.
RunSnapshot take_snapshot(ModelFiles model, const NamedTensors& moments, const TrainingState& state,
                          const NamedTensors& average = {});

/// Writes the files of a checkpoint into an existing folder. Throws RunError.
void write_snapshot(const std::string& folder, const RunSnapshot& snapshot);

}  // namespace linformer
