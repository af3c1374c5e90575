#include "linformer/objectives/pretraining_data.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

constexpr int64_t kSpecialTokens = 5;

PackedDatasetOptions options_of(const PretrainConfig& config, double mlm_probability) {
  return {{config.model.max_sequence_length, config.data.packing},
          {.mlm_probability = mlm_probability},
          static_cast<uint64_t>(config.run.seed)};
}

}  // namespace

PretrainingData open_pretraining_data(PretrainConfig& config) {
  Tokenizer tokenizer = Tokenizer::load(config.tokenizer.model);
  const int64_t vocabulary = tokenizer.vocab_size();
  if (config.model.vocab_size == 0) config.model.vocab_size = vocabulary;
  if (config.model.vocab_size != vocabulary) {
    fail_usage("model.vocab_size",
               std::to_string(config.model.vocab_size) + ", but " + config.tokenizer.model +
                   " has " + std::to_string(vocabulary) + " pieces (<mask> counted)",
               "leave model.vocab_size out, or train a tokenizer of that size");
  }
  if (vocabulary <= kSpecialTokens) {
    fail_usage("tokenizer.model", "the vocabulary has only special tokens",
               "train a tokenizer with a larger --vocab-size");
  }
  PackedDatasetOptions options = options_of(config, config.data.mlm_probability);
  if (config.data.masking == Masking::kWholeWord) {
    options.masking.word_starts = tokenizer.word_starts();
  }
  auto train =
      PackedDataset::open(config.data.train, config.data.train_weights, tokenizer.hash(), options);
  std::unique_ptr<PackedDataset> valid;
  if (!config.data.valid.empty()) {
    // Single tokens always, so that held-out figures compare.
    valid = PackedDataset::open(config.data.valid, {}, tokenizer.hash(),
                                options_of(config, config.evaluation_mlm_probability()));
  }
  return {std::move(tokenizer), std::move(train), std::move(valid)};
}

UnigramModel unigram_model_of(const PackedDataset& dataset) {
  const std::vector<uint64_t> counts = dataset.unigram_counts();
  return UnigramModel(std::vector<int64_t>(counts.begin(), counts.end()));
}

}  // namespace linformer
