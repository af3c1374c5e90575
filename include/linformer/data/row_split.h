#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linformer/data/labelled_examples.h"

namespace linformer {

/// Splits of rows into training and test rows. Examples with the same texts are never separated, so
/// that no test row was learned from. Labels (or ranges of the score) are spread evenly. All
/// functions are pure functions of the examples and the seed.

/// The fold of each example, 0 to num_folds - 1. Throws RunError if there are fewer distinct
/// examples than folds.
std::vector<int64_t> fold_numbers(std::span<const LabelledExample> examples, int64_t num_folds,
                                  uint64_t seed);

/// Indices of examples, ascending.
struct RowSplit {
  std::vector<int64_t> kept;
  std::vector<int64_t> held_out;
};

/// Holds out about a share of the examples, 0 < share < 1. Throws RunError unless each side gets at
/// least one.
RowSplit hold_out(std::span<const LabelledExample> examples, double share, uint64_t seed);

/// Draws exactly `count` examples, 0 < count <= their number, with each label (or range of the
/// score) in proportion. Equal texts may be separated, since examples that are not drawn are not
/// used. Indices are ascending.
std::vector<int64_t> draw_rows(std::span<const LabelledExample> examples, int64_t count,
                               uint64_t seed);

/// Holds out one fold and keeps the others.
RowSplit fold_split(std::span<const int64_t> folds, int64_t held_out_fold);

/// The examples at these indices.
std::vector<LabelledExample> examples_at(std::span<const LabelledExample> examples,
                                         std::span<const int64_t> indices);

}  // namespace linformer
