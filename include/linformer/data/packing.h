#pragma once

#include <cstdint>
#include <vector>

#include "linformer/config/pretrain_config.h"
#include "linformer/data/token_dataset.h"

namespace linformer {

struct PackingOptions {
  int64_t max_sequence_length = 512;  ///< n, special tokens included
  Packing packing = Packing::kFullSentences;
};

/// Where the text of a sequence lies in the data set. Ends are exclusive.
struct SequenceSource {
  IndexRange tokens;
  IndexRange sentences;
  IndexRange documents;
};

/// Cuts a data set into sequences as RoBERTa's FULL-SENTENCES does (arXiv 1907.11692, section 4.2):
/// whole consecutive sentences, across documents, up to n ids:
///
///   <s> sentence sentence ... </s> sentence of the next document ... </s>
///
/// with a </s> between documents. A sentence longer than n - 2 is cut into pieces of n - 2, and
/// each piece is treated as a sentence. Every token of the data set is in exactly one sequence. The
/// constructor makes one pass over the indices and keeps 8 bytes per sequence. The data set has to
/// outlive this object.
class SequencePacking {
 public:
  /// Throws UsageError if n leaves no room for a token beside <s> and </s>.
  SequencePacking(const TokenDataset& dataset, const PackingOptions& options);

  int64_t num_sequences() const { return static_cast<int64_t>(begins_.size()) - 1; }
  int64_t max_sequence_length() const { return max_sequence_length_; }
  /// The ids of a sequence, special tokens included, at most n.
  std::vector<int32_t> tokens(int64_t index) const;
  SequenceSource source(int64_t index) const;
  /// Share of positions that are not padding if every sequence is padded to n.
  double fill() const;
  /// Ids of all sequences, special tokens included.
  int64_t num_positions() const { return num_positions_; }

 private:
  const TokenDataset* dataset_;
  int64_t max_sequence_length_;
  int64_t num_positions_ = 0;
  std::vector<int64_t> begins_;  // first token of each sequence, and num_tokens at the end
};

}  // namespace linformer
