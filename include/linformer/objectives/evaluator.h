#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "linformer/data/batch.h"
#include "linformer/metrics/loss_groups.h"
#include "linformer/metrics/perplexity.h"
#include "linformer/metrics/unigram_model.h"
#include "linformer/nn/model.h"
#include "linformer/train/communicator.h"

namespace linformer {

/// Totals over all masked positions, of the model and of a unigram model on the same positions.
struct EvaluationResult {
  NllTotals model;
  std::optional<NllTotals> unigram;
  int64_t num_sequences = 0;
  bool complete = true;  ///< false if a stop signal cut it short
};

/// Evaluates all batches that `next` gives until it gives none. Looks at the stop signal between
/// batches. `unigram` may be null. `groups`, if any, gets every sequence with its losses and the
/// most probable ids.
EvaluationResult evaluate_batches(const Model& model,
                                  const std::function<std::optional<Batch>()>& next,
                                  const UnigramModel* unigram, LossGroups* groups = nullptr);

struct EvaluationOptions {
  uint64_t mask_seed = 7;
  int64_t batch_size = 8;
  int64_t max_sequences = 0;  ///< 0 = all
  int64_t first_batch = 0;    ///< with batch_stride: the share of one of several processes
  int64_t batch_stride = 1;
  std::function<void(int64_t sequences, int64_t of)> progress = {};  ///< before each batch, if set
};

/// Evaluates a data set with its frozen masks (a function of mask_seed and the sequence's number).
EvaluationResult evaluate_dataset(const Model& model, const BatchSource& source,
                                  const EvaluationOptions& options, const UnigramModel* unigram,
                                  LossGroups* groups = nullptr);

/// The batches of an evaluation that this process does.
void divide(const Communicator& communicator, EvaluationOptions& options);
/// Totals of all processes from their parts; complete only where all parts are. All call it.
EvaluationResult sum_over_processes(Communicator& communicator, const EvaluationResult& part);

/// Whether an evaluation with these options has anything to predict; looks no further than the
/// first position.
bool masks_anything(const BatchSource& source, const EvaluationOptions& options);

}  // namespace linformer
