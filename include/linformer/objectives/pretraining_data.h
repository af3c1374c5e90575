#pragma once

#include <memory>
#include <string>

#include "linformer/config/pretrain_config.h"
#include "linformer/data/packed_dataset.h"
#include "linformer/metrics/unigram_model.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// What a pre-training run reads: tokenizer, training and held-out data.
struct PretrainingData {
  Tokenizer tokenizer;
  std::unique_ptr<PackedDataset> train;
  std::unique_ptr<PackedDataset> valid;  ///< null without held-out data
};

/// Opens everything that `config` names and sets config.model.vocab_size. Throws if the tokenizer
/// does not belong to the shards, or the configuration asks for another vocabulary.
PretrainingData open_pretraining_data(PretrainConfig& config);

/// Add-one smoothed unigram model of the tokens that a run reads.
UnigramModel unigram_model_of(const PackedDataset& dataset);

}  // namespace linformer
