#include "linformer/metrics/loss_groups.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>
#include <utility>

#include "linformer/core/format.h"
#include "linformer/core/special_tokens.h"
#include "linformer/metrics/distance_groups.h"

namespace linformer {

namespace {

/// Groups by the number of other occurrences: the largest number of each group but the last.
struct CountGroup {
  const char* name;
  int64_t most;
};
constexpr std::array<CountGroup, 5> kCountGroups{
    {{"0", 0}, {"1", 1}, {"2", 2}, {"3-4", 4}, {"5+", INT64_MAX}}};

/// A token is in the first class whose frequency it reaches; if in none, in the last, "rarer".
constexpr std::array<int64_t, 4> kOneIn{100, 1'000, 10'000, 100'000};

bool is_ordinary(int64_t id, int64_t vocab_size) {
  return id > kUnkId && id < mask_id(vocab_size);
}

size_t count_group(int64_t count) {
  size_t group = 0;
  while (count > kCountGroups[group].most) ++group;
  return group;
}

size_t frequency_group(int64_t count, int64_t total) {
  size_t group = 0;
  const double frequency =
      total > 0 ? static_cast<double>(count) / static_cast<double>(total) : 0.0;
  while (group < kOneIn.size() && frequency <= 1.0 / static_cast<double>(kOneIn[group])) ++group;
  return group;
}

}  // namespace

std::vector<OtherOccurrences> other_occurrences(const MaskedRow& row, int64_t vocab_size) {
  using Place = std::pair<int64_t, int64_t>;  // id, position
  std::vector<Place> places;
  places.reserve(row.input_ids.size());
  for (size_t i = 0; i < row.input_ids.size(); ++i) {
    if (!is_ordinary(row.input_ids[i], vocab_size)) continue;
    places.emplace_back(row.input_ids[i], static_cast<int64_t>(i));
  }
  std::sort(places.begin(), places.end());
  std::vector<OtherOccurrences> occurrences;
  occurrences.reserve(row.labels.size());
  for (size_t m = 0; m < row.labels.size(); ++m) {
    const int64_t label = row.labels[m];
    const int64_t position = row.positions[m];
    const auto find = [&](Place place) {
      return std::lower_bound(places.begin(), places.end(), place);
    };
    // [first, before) are the positions before the token, [after, last) those after it.
    const auto first = find({label, 0});
    const auto before = find({label, position});
    const auto after = find({label, position + 1});
    const auto last = find({label + 1, 0});
    OtherOccurrences found{(before - first) + (last - after), 0};
    if (before != first) found.distance = position - std::prev(before)->second;
    if (after != last) {
      const int64_t ahead = after->second - position;
      found.distance = before != first ? std::min(found.distance, ahead) : ahead;
    }
    occurrences.push_back(found);
  }
  return occurrences;
}

double TokenTotals::accuracy() const {
  if (nll.masked_tokens == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(num_right) / static_cast<double>(nll.masked_tokens);
}

LossGroups::LossGroups(int64_t vocab_size)
    : vocab_size_(vocab_size),
      by_count_(kCountGroups.size()),
      by_id_(static_cast<size_t>(vocab_size)),
      counts_(static_cast<size_t>(vocab_size)) {}

void LossGroups::add(const MaskedRow& row, std::span<const double> losses,
                     std::span<const int64_t> best) {
  assert(row.positions.size() == row.labels.size() && losses.size() == row.labels.size() &&
         best.size() == row.labels.size());
  if (row.input_ids.size() > 1) {
    const size_t farthest = distance_group(static_cast<int64_t>(row.input_ids.size()) - 1);
    by_distance_.resize(std::max(by_distance_.size(), farthest + 1));
  }
  const std::vector<OtherOccurrences> occurrences = other_occurrences(row, vocab_size_);
  for (size_t m = 0; m < losses.size(); ++m) {
    const bool right = best[m] == row.labels[m];
    by_count_[count_group(occurrences[m].count)].add(losses[m], right);
    if (occurrences[m].count > 0) {
      by_distance_[distance_group(occurrences[m].distance)].add(losses[m], right);
    }
    by_id_[static_cast<size_t>(row.labels[m])].add(losses[m], right);
  }
  const auto count = [&](int64_t id, int64_t times) {
    if (is_ordinary(id, vocab_size_)) counts_[static_cast<size_t>(id)] += times;
  };
  for (const int64_t id : row.input_ids) count(id, 1);
  for (size_t m = 0; m < losses.size(); ++m) {
    count(row.input_ids[static_cast<size_t>(row.positions[m])], -1);
    count(row.labels[m], 1);
  }
}

TokenTotals LossGroups::totals() const {
  TokenTotals all;
  for (const TokenTotals& group : by_count_) all.add(group);
  return all;
}

std::vector<LossTable> LossGroups::by_repetition() const {
  LossTable seen{"repetition", "repetition", {{kNotSeenElsewhere, by_count_.front()}}};
  seen.groups.push_back({"seen elsewhere", {}});
  LossTable counts{"occurrences", "seen elsewhere, times", {}};
  for (size_t group = 0; group < by_count_.size(); ++group) {
    if (group > 0) seen.groups.back().totals.add(by_count_[group]);
    counts.groups.push_back({kCountGroups[group].name, by_count_[group]});
  }
  return {std::move(seen), std::move(counts)};
}

LossTable LossGroups::by_distance() const {
  LossTable table{"distance", "distance to the nearest", {{kNotSeenElsewhere, by_count_.front()}}};
  for (size_t group = 0; group < by_distance_.size(); ++group) {
    table.groups.push_back({distance_group_name(group), by_distance_[group]});
  }
  return table;
}

LossTable LossGroups::by_frequency(std::span<const int64_t> training_counts) const {
  assert(training_counts.empty() || training_counts.size() == counts_.size());
  LossTable table{
      "frequency",
      training_counts.empty() ? "frequency in this text" : "frequency in the training data",
      {}};
  for (const int64_t one_in : kOneIn) {
    table.groups.push_back({"over 1 in " + format_count(one_in), {}});
  }
  table.groups.push_back({"rarer", {}});
  const std::span<const int64_t> counts = training_counts.empty() ? counts_ : training_counts;
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  for (size_t id = 0; id < by_id_.size(); ++id) {
    table.groups[frequency_group(counts[id], total)].totals.add(by_id_[id]);
  }
  return table;
}

std::vector<LossTable> LossGroups::tables(LossSplit split,
                                          std::span<const int64_t> training_counts) const {
  switch (split) {
    case LossSplit::kRepetition:
      return by_repetition();
    case LossSplit::kDistance:
      return {by_distance()};
    case LossSplit::kFrequency:
      break;
  }
  return {by_frequency(training_counts)};
}

}  // namespace linformer
