#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "linformer/checkpoint/tensor_files.h"
#include "linformer/train/objective.h"
#include "linformer/train/training_state.h"

namespace linformer {

/// With training.ema_decay: the weights that model.safetensors does not hold.
struct OtherWeights {
  enum Kind { kAveraged, kRaw };
  Kind kind = kAveraged;
  NamedTensors tensors;  ///< empty: there are none
};

/// Everything that a checkpoint of a run holds, copied out of the trainer, so that training can
/// continue while it is written.
struct RunSnapshot {
  std::string config_json;
  std::string tokenizer_model;
  NamedTensors weights;
  NamedTensors optimizer;
  TrainingState state;
  std::vector<uint64_t> unigram_counts;  ///< empty: not written
  OtherWeights other_weights;

  /// Of all tensors.
  size_t tensor_bytes() const;
};

/// Copies the weights, `moments` (Optimizer::state()) and the other weights into memory of their
/// own, on the CPU.
RunSnapshot take_snapshot(ModelFiles model, const NamedTensors& moments, const TrainingState& state,
                          const OtherWeights& other_weights = {});

/// Writes the files of a checkpoint into an existing folder. Throws RunError.
void write_snapshot(const std::string& folder, const RunSnapshot& snapshot);

}  // namespace linformer
