#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linformer/data/labelled_examples.h"

namespace linformer {

/// Where rows are parted to learn from some and test on others, examples with the same texts go to
/// the same side, so that none is tested on what it learned from. Labels (or ranges of the score)
/// are spread evenly. Pure functions of the examples and the seed.

/// The number of each example's fold, 0 to num_folds - 1. Throws RunError if there are fewer
/// distinct examples than folds.
std::vector<int64_t> fold_numbers(std::span<const LabelledExample> examples, int64_t num_folds,
                                  uint64_t seed);

/// Indices of examples, ascending.
struct RowSplit {
  std::vector<int64_t> kept;
  std::vector<int64_t> held_out;
};

/// Holds out about a share of the examples, 0 < share < 1; at least one on each side, or RunError.
RowSplit hold_out(std::span<const LabelledExample> examples, double share, uint64_t seed);

/// Draws exactly `count` examples, 0 < count <= their number, each label (or range of the score) in
/// its share. Equal texts may be parted: what is not drawn is not looked at. Indices, ascending.
std::vector<int64_t> draw_rows(std::span<const LabelledExample> examples, int64_t count,
                               uint64_t seed);

/// One fold held out, the others kept.
RowSplit fold_split(std::span<const int64_t> folds, int64_t held_out_fold);

/// The examples at these indices.
std::vector<LabelledExample> examples_at(std::span<const LabelledExample> examples,
                                         std::span<const int64_t> indices);

}  // namespace linformer
