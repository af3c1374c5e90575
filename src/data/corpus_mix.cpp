#include "linformer/data/corpus_mix.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

/// Whole shares of kMaxPeriod in proportion to the weights, divided by their common divisor.
std::vector<int64_t> shares_of(const std::vector<double>& weights) {
  // Weights are divided by the largest, since their sum may exceed the range of a double.
  const double largest = *std::max_element(weights.begin(), weights.end());
  double sum = 0.0;
  for (const double weight : weights) {
    if (!(weight > 0.0) || !std::isfinite(weight)) {
      fail_usage("data.train_weights", format_number(weight) + " is not a weight",
                 "give positive numbers, or leave the corpus out of data.train");
    }
    sum += weight / largest;
  }
  std::vector<int64_t> shares;
  std::vector<std::pair<double, size_t>> remainders;  // negative, so that the largest are first
  int64_t left = CorpusMix::kMaxPeriod;
  for (size_t c = 0; c < weights.size(); ++c) {
    const double exact = weights[c] / largest / sum * static_cast<double>(CorpusMix::kMaxPeriod);
    // 1e-6: shares such as 0.7 are exact in decimal but not in binary.
    shares.push_back(static_cast<int64_t>(std::floor(exact + 1e-6)));
    remainders.emplace_back(static_cast<double>(shares.back()) - exact, c);
    left -= shares.back();
  }
  std::sort(remainders.begin(), remainders.end());
  for (int64_t i = 0; i < left; ++i) ++shares[remainders[static_cast<size_t>(i)].second];
  int64_t divisor = 0;
  for (const int64_t share : shares) {
    if (share == 0) {
      fail_usage("data.train_weights", "a share is below 1 in 10,000",
                 "give the corpus more weight, or leave it out");
    }
    divisor = std::gcd(divisor, share);
  }
  for (int64_t& share : shares) share /= divisor;
  return shares;
}

}  // namespace

CorpusMix::CorpusMix(const std::vector<double>& weights) : shares_(shares_of(weights)) {
  const int64_t period = std::accumulate(shares_.begin(), shares_.end(), int64_t{0});
  std::vector<int64_t> given(shares_.size(), 0);
  for (int64_t slot = 1; slot <= period; ++slot) {
    size_t chosen = shares_.size();
    int64_t soonest = 0;
    for (size_t c = 0; c < shares_.size(); ++c) {
      if (given[c] * period >= shares_[c] * slot) continue;
      const int64_t due = ((given[c] + 1) * period + shares_[c] - 1) / shares_[c];
      if (chosen == shares_.size() || due < soonest) {
        chosen = c;
        soonest = due;
      }
    }
    slots_.push_back({static_cast<int64_t>(chosen), given[chosen]++});
  }
}

CorpusMix::Place CorpusMix::at(int64_t position) const {
  const Place& slot = slots_[static_cast<size_t>(position % period())];
  const int64_t before = position / period() * shares_[static_cast<size_t>(slot.corpus)];
  return {slot.corpus, before + slot.index};
}

int64_t CorpusMix::taken(int64_t corpus, int64_t position) const {
  int64_t count = position / period() * shares_[static_cast<size_t>(corpus)];
  for (int64_t slot = 0; slot < position % period(); ++slot) {
    count += slots_[static_cast<size_t>(slot)].corpus == corpus ? 1 : 0;
  }
  return count;
}

}  // namespace linformer
