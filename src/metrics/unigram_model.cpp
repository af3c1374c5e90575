#include "linformer/metrics/unigram_model.h"

#include <cassert>
#include <cmath>
#include <numeric>

namespace linformer {

UnigramModel::UnigramModel(std::span<const int64_t> counts)
    : counts_(counts.begin(), counts.end()) {
  assert(!counts.empty());
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  const double log_total =
      std::log(static_cast<double>(total) + static_cast<double>(counts.size()));
  nll_.reserve(counts.size());
  for (const int64_t count : counts) {
    assert(count >= 0);
    nll_.push_back(log_total - std::log(static_cast<double>(count) + 1.0));
  }
}

double UnigramModel::nll(int64_t id) const {
  assert(id >= 0 && id < vocab_size());
  return nll_[static_cast<size_t>(id)];
}

}  // namespace linformer
