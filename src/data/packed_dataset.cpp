#include "linformer/data/packed_dataset.h"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "linformer/core/checksum.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

std::vector<TokenDataset> one_corpus(TokenDataset dataset) {
  std::vector<TokenDataset> corpora;
  corpora.push_back(std::move(dataset));
  return corpora;
}

}  // namespace

PackedDataset::PackedDataset(std::vector<TokenDataset> corpora, CorpusMix mix,
                             PackedDatasetOptions options)
    : corpora_(std::move(corpora)), mix_(std::move(mix)) {
  if (mix_.num_corpora() != static_cast<int64_t>(corpora_.size()))
    throw std::invalid_argument("a weight for each corpus");
  for (const TokenDataset& corpus : corpora_) packings_.emplace_back(corpus, options.packing);
  std::vector<const SequencePacking*> packings;
  for (const SequencePacking& packing : packings_) packings.push_back(&packing);
  options.masking.vocab_size = corpora_.front().vocab_size();
  batches_.emplace(std::move(packings), mix_, options.masking, options.seed);
}

PackedDataset::PackedDataset(TokenDataset dataset, int64_t max_sequence_length,
                             double mlm_probability, uint64_t seed)
    : PackedDataset(one_corpus(std::move(dataset)), CorpusMix(),
                    {{max_sequence_length, Packing::kFullSentences},
                     {.mlm_probability = mlm_probability},
                     seed}) {}

std::unique_ptr<PackedDataset> PackedDataset::open(const std::vector<std::string>& prefixes,
                                                   const std::vector<double>& weights,
                                                   uint64_t tokenizer_hash,
                                                   PackedDatasetOptions options,
                                                   DatasetCheck check) {
  std::vector<std::vector<std::string>> groups;
  if (weights.empty()) {
    groups.push_back(prefixes);
  } else {
    for (const std::string& prefix : prefixes) groups.push_back({prefix});
  }
  std::vector<TokenDataset> corpora;
  for (const auto& group : groups) {
    corpora.push_back(TokenDataset::open(group, tokenizer_hash, check));
    if (corpora.back().num_tokens() == 0) {
      fail_run(group.front(), "the data set holds no token",
               "prepare it from a text that is not empty");
    }
  }
  CorpusMix mix = weights.empty() ? CorpusMix() : CorpusMix(weights);
  return std::make_unique<PackedDataset>(std::move(corpora), std::move(mix), std::move(options));
}

int64_t PackedDataset::num_tokens() const {
  int64_t sum = 0;
  for (const TokenDataset& corpus : corpora_) sum += corpus.num_tokens();
  return sum;
}

int64_t PackedDataset::num_sequences() const {
  int64_t sum = 0;
  for (const SequencePacking& packing : packings_) sum += packing.num_sequences();
  return sum;
}

double PackedDataset::fill() const {
  double filled = 0.0;
  for (const SequencePacking& packing : packings_) {
    filled += static_cast<double>(packing.num_positions());
  }
  return filled / static_cast<double>(num_sequences() * packings_.front().max_sequence_length());
}

uint64_t PackedDataset::fingerprint() const {
  if (num_corpora() == 1) return corpora_.front().fingerprint();
  std::string identity;
  for (size_t c = 0; c < corpora_.size(); ++c) {
    identity += to_hex(corpora_[c].fingerprint()) + " " + std::to_string(mix_.shares()[c]) + "\n";
  }
  return xxh3(identity);
}

std::vector<uint64_t> PackedDataset::unigram_counts() const {
  std::vector<uint64_t> counts = corpora_.front().unigram_counts();
  if (num_corpora() == 1) return counts;
  counts.assign(counts.size(), 0);
  for (size_t c = 0; c < corpora_.size(); ++c) {
    const double share = static_cast<double>(mix_.shares()[c]) / static_cast<double>(mix_.period());
    const double scale =
        share * static_cast<double>(num_tokens()) / static_cast<double>(corpora_[c].num_tokens());
    const std::vector<uint64_t>& own = corpora_[c].unigram_counts();
    for (size_t id = 0; id < counts.size(); ++id) {
      counts[id] += static_cast<uint64_t>(std::llround(scale * static_cast<double>(own[id])));
    }
  }
  return counts;
}

}  // namespace linformer
