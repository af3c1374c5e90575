#pragma once

#include <cstdint>
#include <optional>

#include "linformer/data/batch.h"

namespace linformer {

/// The label of a position that is computed but not predicted; kIgnoredLabel of the loss.
constexpr int64_t kNoPrediction = -1;

/// Numbers of predictions that many batches share, so that what computes them has fixed shapes.
struct FixedPredictions {
  int64_t in_batch = 0;          ///< predicted positions of a batch, kNoPrediction included
  int64_t most_in_sequence = 0;  ///< of one sequence, at most

  bool operator==(const FixedPredictions&) const = default;
};

/// The batch with padding at the end of each row up to `length`. Positions are renumbered.
Batch with_length(Batch batch, int64_t length);

/// Enough for batches (B, N) = (`num_sequences`, `length`) that predict each position with
/// `probability`: six standard deviations above the mean, so that one batch in 10^8 has more.
FixedPredictions fixed_predictions(int64_t num_sequences, int64_t length, double probability);

/// The batch with positions added that are not predicted (kNoPrediction), so that it has exactly
/// fixed.in_batch masked positions, and no sequence more than fixed.most_in_sequence. Inputs and
/// losses stay the same. Nothing if the batch has more of them, or no room.
std::optional<Batch> with_fixed_predictions(Batch batch, const FixedPredictions& fixed);

}  // namespace linformer
