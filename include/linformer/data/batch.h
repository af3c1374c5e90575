#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linformer/data/corpus_mix.h"
#include "linformer/data/data_order.h"
#include "linformer/data/mlm_masker.h"
#include "linformer/data/packing.h"
#include "linformer/data/token_dataset.h"

namespace linformer {

/// A micro-batch as plain numbers; B = num_sequences, N = length, M = number of masked positions.
struct Batch {
  int64_t num_sequences = 0;
  int64_t length = 0;
  std::vector<int64_t> input_ids;         ///< (B, N), <pad> where attention_mask is 0
  std::vector<uint8_t> attention_mask;    ///< (B, N), 1 = token, 0 = padding
  std::vector<int64_t> token_type_ids;    ///< (B, N), segments; empty = all 0
  bool has_padding = false;               ///< true if some attention_mask is 0
  std::vector<int64_t> masked_positions;  ///< (M), flat indices b * N + i, ascending
  std::vector<int64_t> masked_labels;     ///< (M), the ids to predict there
  std::vector<SampleId> samples;          ///< (B), the origin of each row
  std::vector<float> targets;             ///< (B), class index or score; empty for masked LM
  int64_t num_tokens = 0;                 ///< positions that are not padding

  bool operator==(const Batch&) const = default;
};

/// A row of a batch.
struct BatchRow {
  MaskedSequence sequence;
  std::vector<uint8_t> attention_mask;  ///< one per id; empty = all are tokens
  std::vector<int32_t> token_type_ids;  ///< one per id; empty = all 0
  SampleId sample = {};
};

/// Stacks rows, padded at the end to the longest row, rounded up to a multiple of 8 (fast kernels
/// prefer it) but not past `max_length`. No row may be longer than `max_length`.
Batch make_batch(std::span<const BatchRow> rows, int64_t max_length);

/// Masked batches of one or several packed corpora. Every call is a pure function of its arguments
/// and the constructor's. So the order depends on neither threads nor processes, and resuming at
/// any position costs nothing. It may be called from several threads. The constructor's arguments
/// have to outlive the object.
class BatchSource {
 public:
  BatchSource(std::vector<const SequencePacking*> corpora, CorpusMix mix,
              const MaskingOptions& masking, uint64_t seed);
  BatchSource(const SequencePacking& packing, const MaskingOptions& masking, uint64_t seed)
      : BatchSource({&packing}, CorpusMix(), masking, seed) {}

  /// The sequence at a position of the run's endless stream. The mix gives the corpus and the
  /// position in it; sample_at() with the corpus's seed gives the sequence of that corpus.
  SampleId sample(int64_t position) const;

  /// The `count` training sequences at [first_position, first_position + count) of the run's
  /// endless stream. sample() gives each sequence, training_masks() with the corpus's seed its
  /// masks. A larger share to predict gives more masks.
  Batch batch(int64_t first_position, int64_t count, double mlm_probability) const;
  /// With the masking options' share to predict.
  Batch batch(int64_t first_position, int64_t count) const {
    return batch(first_position, count, masker_.options().mlm_probability);
  }

  /// The sequences [first_index, first_index + count) of the first corpus in its order, with masks
  /// that depend on (mask_seed, index) alone.
  Batch evaluation_batch(int64_t first_index, int64_t count, uint64_t mask_seed) const;

  /// One row with the masks that batch() gives it; `linformer-data why` shows it.
  MaskedSequence training_row(SampleId sample, double mlm_probability) const;
  MaskedSequence training_row(SampleId sample) const {
    return training_row(sample, masker_.options().mlm_probability);
  }

  /// The number of sequences of the first corpus.
  int64_t num_sequences() const { return corpora_.front()->num_sequences(); }
  uint64_t seed() const { return seed_; }

 private:
  const SequencePacking& corpus(int64_t number) const {
    return *corpora_[static_cast<size_t>(number)];
  }

  std::vector<const SequencePacking*> corpora_;
  CorpusMix mix_;
  MlmMasker masker_;
  uint64_t seed_;
};

}  // namespace linformer
