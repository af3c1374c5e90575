#include "linformer/data/row_split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <tuple>

#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/random.h"
#include "linformer/data/data_order.h"

namespace linformer {

namespace {

/// A group of examples with the same texts.
struct Group {
  double target = 0.0;
  uint64_t order = 0;  // random
  std::vector<int64_t> indices;
};

/// Groups sorted by target, in random order within a target, so that neighbours are similar.
std::vector<Group> sorted_groups(std::span<const LabelledExample> examples, uint64_t seed) {
  std::map<uint64_t, Group> by_text;
  for (size_t i = 0; i < examples.size(); ++i) {
    const LabelledExample& example = examples[i];
    // A text has no NUL, so different pairs (a, b) never give the same key.
    const uint64_t text = xxh3(example.a + '\0' + example.b.value_or(""));
    Group& group = by_text[text];
    if (group.indices.empty()) {
      group.target = example.has_target() ? double{example.target} : 0.0;
      group.order = stream_key(RandomPurpose::kHeldOut, {seed, text});
    }
    group.indices.push_back(static_cast<int64_t>(i));
  }
  std::vector<Group> groups;
  for (auto& [text, group] : by_text) groups.push_back(std::move(group));
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return std::tie(a.target, a.order) < std::tie(b.target, b.order);
  });
  return groups;
}

}  // namespace

std::vector<int64_t> fold_numbers(std::span<const LabelledExample> examples, int64_t num_folds,
                                  uint64_t seed) {
  const std::vector<Group> groups = sorted_groups(examples, seed);
  if (num_folds < 2 || static_cast<int64_t>(groups.size()) < num_folds) {
    fail_run("folds",
             std::to_string(groups.size()) + " distinct examples make no " +
                 std::to_string(num_folds) + " folds",
             "ask for 2 folds at least, and no more than there are examples");
  }
  std::vector<int64_t> folds(examples.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    // Each run of num_folds neighbours gives one group to each fold.
    const auto place = static_cast<int64_t>(g);
    const KeyedPermutation deal(num_folds, stream_key(RandomPurpose::kHeldOut, {seed}),
                                static_cast<uint64_t>(place / num_folds));
    for (const int64_t index : groups[g].indices)
      folds[static_cast<size_t>(index)] = deal(place % num_folds);
  }
  return folds;
}

RowSplit hold_out(std::span<const LabelledExample> examples, double share, uint64_t seed) {
  if (!(share > 0.0 && share < 1.0)) throw std::invalid_argument("a share between 0 and 1");
  const std::vector<Group> groups = sorted_groups(examples, seed);
  const double offset = RandomStream(RandomPurpose::kHeldOut, {seed}).uniform();
  RowSplit split;
  for (size_t g = 0; g < groups.size(); ++g) {
    // Every (1 / share)-th group.
    const double place = static_cast<double>(g) * share + offset;
    auto& side = std::floor(place + share) > std::floor(place) ? split.held_out : split.kept;
    side.insert(side.end(), groups[g].indices.begin(), groups[g].indices.end());
  }
  if (split.held_out.empty() || split.kept.empty()) {
    fail_run("held-out examples",
             std::to_string(groups.size()) + " distinct examples are too few to hold some out",
             "give a file of its own to evaluate on");
  }
  std::sort(split.kept.begin(), split.kept.end());
  std::sort(split.held_out.begin(), split.held_out.end());
  return split;
}

std::vector<int64_t> draw_rows(std::span<const LabelledExample> examples, int64_t count,
                               uint64_t seed) {
  const auto size = static_cast<int64_t>(examples.size());
  if (count < 1 || count > size) throw std::invalid_argument("as many rows as there are, at most");
  const double share = RandomStream(RandomPurpose::kHeldOut, {seed}).uniform();
  const auto offset = static_cast<int64_t>(share * static_cast<double>(size));
  std::vector<int64_t> drawn;
  int64_t place = offset;
  for (const Group& group : sorted_groups(examples, seed)) {
    for (const int64_t index : group.indices) {
      // In whole numbers: `size` rows pass `count` multiples of `size`, wherever they begin.
      const int64_t next = place + count;
      if (next / size > place / size) drawn.push_back(index);
      place = next;
    }
  }
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

RowSplit fold_split(std::span<const int64_t> folds, int64_t held_out_fold) {
  RowSplit split;
  for (size_t i = 0; i < folds.size(); ++i)
    (folds[i] == held_out_fold ? split.held_out : split.kept).push_back(static_cast<int64_t>(i));
  return split;
}

std::vector<LabelledExample> examples_at(std::span<const LabelledExample> examples,
                                         std::span<const int64_t> indices) {
  std::vector<LabelledExample> chosen;
  for (const int64_t index : indices) chosen.push_back(examples[static_cast<size_t>(index)]);
  return chosen;
}

}  // namespace linformer
