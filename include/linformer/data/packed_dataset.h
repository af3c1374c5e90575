#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/data/batch.h"
#include "linformer/data/corpus_mix.h"
#include "linformer/data/packing.h"
#include "linformer/data/token_dataset.h"

namespace linformer {

struct PackedDatasetOptions {
  PackingOptions packing;
  MaskingOptions masking;  ///< vocab_size is set from the data
  uint64_t seed = 0;
};

/// One or several corpora, packed and ready to give masked batches. Not movable, since its parts
/// point to each other.
class PackedDataset {
 public:
  PackedDataset(std::vector<TokenDataset> corpora, CorpusMix mix, PackedDatasetOptions options);
  PackedDataset(TokenDataset dataset, int64_t max_sequence_length, double mlm_probability,
                uint64_t seed);
  PackedDataset(const PackedDataset&) = delete;
  PackedDataset& operator=(const PackedDataset&) = delete;

  /// Without weights, all prefixes form one corpus; with weights, each prefix is one. Throws like
  /// TokenDataset::open(), and RunError for a corpus without a token.
  static std::unique_ptr<PackedDataset> open(const std::vector<std::string>& prefixes,
                                             const std::vector<double>& weights,
                                             uint64_t tokenizer_hash, PackedDatasetOptions options,
                                             DatasetCheck check = DatasetCheck::kFull);

  int64_t num_corpora() const { return mix_.num_corpora(); }
  const CorpusMix& mix() const { return mix_; }
  const TokenDataset& dataset(int64_t corpus = 0) const {
    return corpora_[static_cast<size_t>(corpus)];
  }
  const SequencePacking& packing(int64_t corpus = 0) const {
    return packings_[static_cast<size_t>(corpus)];
  }
  const BatchSource& batches() const { return *batches_; }

  // Over all corpora together.
  int64_t num_tokens() const;
  int64_t num_sequences() const;
  /// Share of positions that are not padding if every sequence is padded to n.
  double fill() const;
  /// Identity of the content and, with several corpora, of their shares.
  uint64_t fingerprint() const;
  /// How often each id occurs. With several corpora, each counts as often as the run reads it: its
  /// counts are scaled so that its tokens have its share.
  std::vector<uint64_t> unigram_counts() const;

 private:
  std::vector<TokenDataset> corpora_;
  CorpusMix mix_;
  std::vector<SequencePacking> packings_;
  std::optional<BatchSource> batches_;
};

}  // namespace linformer
