#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "linformer/config/truncation.h"
#include "linformer/data/batch.h"
#include "linformer/data/labelled_examples.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

struct LabelledDatasetOptions {
  int64_t max_sequence_length = 512;
  Truncation truncation = Truncation::kHead;
  int64_t type_vocab_size = 0;   ///< from 2 on, second texts are segment 1
  uint64_t seed = 1;             ///< of the training order
  int64_t micro_batch_size = 8;  ///< rows that share a length: the rows of one micro-batch
  /// Number of micro-batches within which rows of similar length are grouped; 1 = no grouping.
  int64_t window_batches = 64;
  int64_t threads = 1;  ///< threads that encode
};

/// Labelled examples as ids, in batches for training and for evaluation. Every call is a pure
/// function of its arguments and the constructor's. May be called from several threads.
class LabelledDataset {
 public:
  /// Encodes as RoBERTa, cut to max_sequence_length (encode_texts_within). Needs at least one
  /// example.
  LabelledDataset(std::span<const LabelledExample> examples, const Tokenizer& tokenizer,
                  const LabelledDatasetOptions& options);

  int64_t num_sequences() const { return static_cast<int64_t>(targets_.size()); }
  int64_t max_sequence_length() const { return options_.max_sequence_length; }
  /// Number of ids of all examples, special tokens included.
  int64_t num_tokens() const { return static_cast<int64_t>(ids_.size()); }
  /// Number of examples that were cut.
  int64_t num_truncated() const { return num_truncated_; }
  int64_t longest() const;
  std::span<const int32_t> tokens(int64_t index) const;
  float target(int64_t index) const { return targets_.at(static_cast<size_t>(index)); }
  /// XXH3 of the ids, lengths and targets.
  uint64_t fingerprint() const { return fingerprint_; }

  /// The example at a position of the endless training stream. Each epoch has every example once,
  /// in the order of sample_at(), rearranged within windows of window_batches micro-batches (never
  /// across the end of an epoch). A window is sorted by length and cut into micro-batches, which
  /// are put into a random order. Micro-batches begin at positions that are multiples of
  /// micro_batch_size.
  SampleId sample(int64_t position) const;

  /// The rows at [position, position + count), padded to the longest, with targets.
  Batch batch(int64_t position, int64_t count) const;

  /// For evaluation: every example once, the longest first. `samples[b].index` of a batch is the
  /// number of the row's example, so that predictions can be put back into the order of the file.
  int64_t num_evaluation_batches(int64_t batch_size) const;
  Batch evaluation_batch(int64_t number, int64_t batch_size) const;

 private:
  /// Positions [begin, begin + indices.size()) and the examples there.
  struct Window {
    int64_t begin = 0;
    std::vector<int64_t> indices;
  };

  void encode(std::span<const LabelledExample> examples, const Tokenizer& tokenizer);
  int64_t length(int64_t index) const;
  std::shared_ptr<const Window> window_at(int64_t position) const;
  Window make_window(int64_t position) const;
  Batch make(std::span<const SampleId> samples) const;

  LabelledDatasetOptions options_;
  std::vector<int32_t> ids_;
  std::vector<size_t> ends_;            // of each example in ids_
  std::vector<int64_t> first_lengths_;  // of each example before segment 1
  std::vector<float> targets_;
  std::vector<int64_t> longest_first_;
  int64_t num_truncated_ = 0;
  uint64_t fingerprint_ = 0;

  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<const Window>> recent_;  // most recently used first
};

}  // namespace linformer
