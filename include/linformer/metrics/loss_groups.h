#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/config/fields.h"
#include "linformer/metrics/perplexity.h"

namespace linformer {

/// How predicted tokens are grouped: by whether their ids occur elsewhere in the sequence, by the
/// distance to that occurrence, or by their frequency in text.
enum class LossSplit { kRepetition, kDistance, kFrequency };
template <>
struct EnumNames<LossSplit> {
  static constexpr std::array<std::string_view, 3> kNames{"repetition", "distance", "frequency"};
};

/// A sequence as the model sees it, and the tokens to predict.
struct MaskedRow {
  std::span<const int64_t> input_ids;  ///< (N), <pad> on padding
  std::span<const int64_t> positions;  ///< (M), positions to predict, in [0, N)
  std::span<const int64_t> labels;     ///< (M), the true ids there
};

/// Other positions of a sequence at which the model sees the id of a predicted token.
struct OtherOccurrences {
  int64_t count = 0;
  int64_t distance = 0;  ///< to the nearest one; 0 if there is none

  bool operator==(const OtherOccurrences&) const = default;
};

/// For each predicted token, the other positions whose input id is its label, in O(N log N). A
/// position hidden by <mask> or a random id counts as what the model sees there. The token's own
/// position never counts, even if its id was left in place. Special tokens and padding never count.
std::vector<OtherOccurrences> other_occurrences(const MaskedRow& row, int64_t vocab_size);

/// Losses of predicted tokens, and how many of them were the most probable ones.
struct TokenTotals {
  NllTotals nll;
  int64_t num_right = 0;

  void add(double loss, bool right) {
    nll.add(loss, 1);
    num_right += right ? 1 : 0;
  }
  void add(const TokenTotals& other) {
    nll.add(other.nll);
    num_right += other.num_right;
  }
  /// Share of the tokens that were the most probable ones; NaN without tokens.
  double accuracy() const;

  bool operator==(const TokenTotals&) const = default;
};

struct LossGroup {
  std::string name;
  TokenTotals totals;
};

/// Disjoint groups that together hold every predicted token.
struct LossTable {
  std::string key;    ///< for JSON
  std::string title;  ///< for people
  std::vector<LossGroup> groups;
};

/// The losses of predicted tokens, and how many were predicted right, by group.
class LossGroups {
 public:
  /// For a vocabulary whose last id is <mask>.
  explicit LossGroups(int64_t vocab_size);

  /// Adds a sequence with the loss of each predicted token in nats, and the id that the model finds
  /// most probable there.
  void add(const MaskedRow& row, std::span<const double> losses, std::span<const int64_t> best);

  /// Of all predicted tokens.
  TokenTotals totals() const;

  /// repetition has two tables, the other splits one. Frequencies are those of `training_counts`,
  /// the occurrences of each id; if it is empty, those of the added sequences.
  std::vector<LossTable> tables(LossSplit split, std::span<const int64_t> training_counts) const;

 private:
  std::vector<LossTable> by_repetition() const;
  LossTable by_distance() const;
  LossTable by_frequency(std::span<const int64_t> training_counts) const;

  int64_t vocab_size_;
  std::vector<TokenTotals> by_count_;     // by number of other occurrences; the last: all above
  std::vector<TokenTotals> by_distance_;  // by distance_group()
  std::vector<TokenTotals> by_id_;
  std::vector<int64_t> counts_;  // of ordinary ids in the original text
};

}  // namespace linformer
