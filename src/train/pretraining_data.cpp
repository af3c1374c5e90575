#include "linformer/train/pretraining_data.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

constexpr int64_t kSpecialTokens = 5;

std::unique_ptr<PackedDataset> open_packed(const std::vector<std::string>& prefixes,
                                           const PretrainConfig& config, uint64_t tokenizer_hash) {
  TokenDataset dataset = TokenDataset::open(prefixes, tokenizer_hash);
  if (dataset.num_tokens() == 0) {
    fail_run(prefixes.front(), "the data set holds no token",
             "prepare it from a text that is not empty");
  }
  return std::make_unique<PackedDataset>(std::move(dataset), config.model.max_sequence_length,
                                         config.data.mlm_probability,
                                         static_cast<uint64_t>(config.run.seed));
}

}  // namespace

PackedDataset::PackedDataset(TokenDataset dataset, int64_t max_sequence_length,
                             double mlm_probability, uint64_t seed)
    : dataset_(std::move(dataset)),
      packing_(dataset_, {max_sequence_length, Packing::kFullSentences}),
      batches_(
          packing_,
          MaskingOptions{.mlm_probability = mlm_probability, .vocab_size = dataset_.vocab_size()},
          seed) {}

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
  auto train = open_packed(config.data.train, config, tokenizer.hash());
  std::unique_ptr<PackedDataset> valid;
  if (!config.data.valid.empty()) {
    valid = open_packed(config.data.valid, config, tokenizer.hash());
  }
  return {std::move(tokenizer), std::move(train), std::move(valid)};
}

UnigramModel unigram_model_of(const TokenDataset& dataset) {
  const std::vector<uint64_t>& counts = dataset.unigram_counts();
  return UnigramModel(std::vector<int64_t>(counts.begin(), counts.end()));
}

}  // namespace linformer
