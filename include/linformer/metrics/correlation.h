#pragma once

#include <span>
#include <vector>

namespace linformer {

/// Pearson's correlation of two lists of the same length. NaN if it is undefined: a single row, a
/// list whose values are all equal up to rounding, or a value that is not finite. Equal means a
/// spread of at most 1e-6 of the largest value, since a prediction, a float, changes in its last
/// bits with the rows that are computed together. Throws RunError without rows.
double pearson_correlation(std::span<const double> x, std::span<const double> y);

/// Spearman's correlation: Pearson's of the ranks; equal values share the mean of their ranks. NaN
/// as above.
double spearman_correlation(std::span<const double> x, std::span<const double> y);

/// Rank of each value, from 1; equal values get the mean of their ranks.
std::vector<double> average_ranks(std::span<const double> values);

}  // namespace linformer
