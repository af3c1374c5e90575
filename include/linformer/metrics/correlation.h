#pragma once

#include <span>
#include <vector>

namespace linformer {

/// Pearson's correlation of two lists of the same length. NaN where it is undefined: one row only,
/// all values of a list the same but for rounding, or a value that is not finite. The same is a
/// spread of at most 1e-6 of the largest value, since a row's prediction, a float, moves by some
/// units in its last place with the rows that it is computed with. Throws RunError without rows.
double pearson_correlation(std::span<const double> x, std::span<const double> y);

/// Spearman's: Pearson's of the ranks, equal values sharing the mean of their ranks. NaN as above.
double spearman_correlation(std::span<const double> x, std::span<const double> y);

/// Rank of each value from 1; equal values get the mean of the ranks that they take together.
std::vector<double> average_ranks(std::span<const double> values);

}  // namespace linformer
