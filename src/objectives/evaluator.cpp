#include "linformer/objectives/evaluator.h"

#include <algorithm>
#include <span>
#include <vector>

#include "linformer/core/stop_signal.h"
#include "linformer/objectives/masked_lm_loss.h"

namespace linformer {

namespace {

/// Sequence by sequence: an id is seen elsewhere only within its own.
void add_scores(LossGroups& groups, const Batch& batch, const MaskedLmScores& scores) {
  const std::span<const double> losses(scores.losses);
  const std::span<const int64_t> best(scores.best);
  const std::span<const int64_t> ids(batch.input_ids);
  const std::span<const int64_t> labels(batch.masked_labels);
  size_t first = 0;
  for (int64_t b = 0; b < batch.num_sequences; ++b) {
    const int64_t start = b * batch.length;
    std::vector<int64_t> positions;
    for (size_t m = first; m < labels.size(); ++m) {
      const int64_t position = batch.masked_positions[m] - start;
      if (position >= batch.length) break;
      positions.push_back(position);
    }
    const size_t count = positions.size();
    groups.add({ids.subspan(static_cast<size_t>(start), static_cast<size_t>(batch.length)),
                positions, labels.subspan(first, count)},
               losses.subspan(first, count), best.subspan(first, count));
    first += count;
  }
}

}  // namespace

EvaluationResult evaluate_batches(const Model& model,
                                  const std::function<std::optional<Batch>()>& next,
                                  const UnigramModel* unigram, LossGroups* groups) {
  EvaluationResult result;
  if (unigram != nullptr) result.unigram = NllTotals{};
  while (const std::optional<Batch> batch = next()) {
    MaskedLmScores scores;
    if (groups != nullptr) {
      scores = masked_lm_scores(model, *batch);
      add_scores(*groups, *batch, scores);
    } else {
      scores.losses = masked_lm_losses(model, *batch);
    }
    for (const double loss : scores.losses) result.model.add(loss, 1);
    if (unigram != nullptr) {
      for (const int64_t label : batch->masked_labels) result.unigram->add(unigram->nll(label), 1);
    }
    result.num_sequences += batch->num_sequences;
    if (stop_signal() != 0) {
      result.complete = false;
      break;
    }
  }
  return result;
}

namespace {

/// The batches that `options` picks, one after the other. `source` has to outlive it.
std::function<std::optional<Batch>()> batches_of(const BatchSource& source,
                                                 const EvaluationOptions& options) {
  const int64_t all = source.num_sequences();
  const int64_t end = options.max_sequences > 0 ? std::min(all, options.max_sequences) : all;
  int64_t index = options.first_batch * options.batch_size;
  return [&source, options, end, index]() mutable -> std::optional<Batch> {
    if (index >= end) return std::nullopt;
    if (options.progress) options.progress(index, end);
    const int64_t count = std::min(options.batch_size, end - index);
    Batch batch = source.evaluation_batch(index, count, options.mask_seed);
    index += options.batch_size * options.batch_stride;
    return batch;
  };
}

}  // namespace

EvaluationResult evaluate_dataset(const Model& model, const BatchSource& source,
                                  const EvaluationOptions& options, const UnigramModel* unigram,
                                  LossGroups* groups) {
  return evaluate_batches(model, batches_of(source, options), unigram, groups);
}

void divide(const Communicator& communicator, EvaluationOptions& options) {
  options.first_batch = communicator.rank();
  options.batch_stride = communicator.size();
}

EvaluationResult sum_over_processes(Communicator& communicator, const EvaluationResult& part) {
  if (communicator.is_alone()) return part;
  const NllTotals unigram = part.unigram.value_or(NllTotals{});
  const std::vector<double> sums =
      communicator.sum({part.model.nll_sum, static_cast<double>(part.model.masked_tokens),
                        unigram.nll_sum, static_cast<double>(unigram.masked_tokens),
                        static_cast<double>(part.num_sequences), part.complete ? 0.0 : 1.0});
  EvaluationResult whole;
  whole.model = {sums[0], static_cast<int64_t>(sums[1])};
  if (part.unigram) whole.unigram = NllTotals{sums[2], static_cast<int64_t>(sums[3])};
  whole.num_sequences = static_cast<int64_t>(sums[4]);
  whole.complete = sums[5] == 0.0;
  return whole;
}

bool masks_anything(const BatchSource& source, const EvaluationOptions& options) {
  const auto next = batches_of(source, options);
  while (const std::optional<Batch> batch = next()) {
    if (!batch->masked_labels.empty()) return true;
  }
  return false;
}

}  // namespace linformer
