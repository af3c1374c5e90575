#pragma once

#include <cstdint>
#include <vector>

namespace linformer {

/// Which corpus each position of a run's stream takes its sequence from. The shares stay exact at
/// every moment. A pure function of the weights: no random number, no state.
///
/// The weights become whole shares s_c of a period T <= 10,000: they are rounded to ten-thousandths
/// by largest remainders, then divided by their greatest common divisor. Slots j = 1 ... T of a
/// period are assigned one by one. Corpus c may take slot j if it has taken fewer than s_c j / T
/// slots; its next slot is due at ceil((taken + 1) T / s_c). Of the corpora that may take slot j,
/// the one with the earliest due slot gets it; on a tie the first. So after any number p of
/// positions, each corpus has given more than p s_c / T - 1 and fewer than p s_c / T + 1 sequences
/// (earliest deadline first is optimal for such unit jobs; Baruah et al. 1996, proportionate
/// progress), and exactly its share after each whole period.
class CorpusMix {
 public:
  static constexpr int64_t kMaxPeriod = 10'000;

  /// One corpus.
  CorpusMix() : CorpusMix(std::vector<double>{1.0}) {}
  /// Throws UsageError for weights that are not positive or that round to no slot.
  explicit CorpusMix(const std::vector<double>& weights);

  /// A corpus, and the index of a sequence among those taken from it.
  struct Place {
    int64_t corpus = 0;
    int64_t index = 0;
    bool operator==(const Place&) const = default;
  };
  Place at(int64_t position) const;

  /// Sequences that the first `position` positions take from a corpus.
  int64_t taken(int64_t corpus, int64_t position) const;

  int64_t num_corpora() const { return static_cast<int64_t>(shares_.size()); }
  int64_t period() const { return static_cast<int64_t>(slots_.size()); }
  /// Slots of each corpus in a period.
  const std::vector<int64_t>& shares() const { return shares_; }

 private:
  std::vector<int64_t> shares_;
  std::vector<Place> slots_;  // of the first period
};

}  // namespace linformer
