#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace linformer {

/// Predicts each token by its frequency, independently of its context. A language model has to have
/// a lower perplexity. Add-one smoothing: p(id) = (count + 1) / (total + vocabulary).
class UnigramModel {
 public:
  /// counts[id] = occurrences of token id; its size is the vocabulary's. At least one entry, none
  /// negative (an assertion).
  explicit UnigramModel(std::span<const int64_t> counts);

  /// -ln p(id); id has to be in the vocabulary (an assertion).
  double nll(int64_t id) const;
  /// Occurrences of each id.
  std::span<const int64_t> counts() const { return counts_; }
  int64_t vocab_size() const { return static_cast<int64_t>(nll_.size()); }

 private:
  std::vector<int64_t> counts_;
  std::vector<double> nll_;
};

}  // namespace linformer
