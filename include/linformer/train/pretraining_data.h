#pragma once

#include <memory>
#include <optional>
#include <string>

#include "linformer/config/pretrain_config.h"
#include "linformer/data/batch.h"
#include "linformer/data/packing.h"
#include "linformer/data/token_dataset.h"
#include "linformer/metrics/unigram_model.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// A data set, packed and ready to give masked batches. Not movable: its parts point to each other.
class PackedDataset {
 public:
  PackedDataset(TokenDataset dataset, int64_t max_sequence_length, double mlm_probability,
                uint64_t seed);
  PackedDataset(const PackedDataset&) = delete;
  PackedDataset& operator=(const PackedDataset&) = delete;

  const TokenDataset& dataset() const { return dataset_; }
  const SequencePacking& packing() const { return packing_; }
  const BatchSource& batches() const { return batches_; }

 private:
  TokenDataset dataset_;
  SequencePacking packing_;
  BatchSource batches_;
};

/// What a pre-training run reads: tokenizer, training and held-out data.
struct PretrainingData {
  Tokenizer tokenizer;
  std::unique_ptr<PackedDataset> train;
  std::unique_ptr<PackedDataset> valid;  ///< null without held-out data
};

/// Opens everything that `config` names and sets config.model.vocab_size. Throws if the tokenizer
/// does not belong to the shards, or the configuration asks for another vocabulary.
PretrainingData open_pretraining_data(PretrainConfig& config);

/// Add-one smoothed unigram model of a data set's tokens.
UnigramModel unigram_model_of(const TokenDataset& dataset);

}  // namespace linformer
