#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "linformer/data/input_rows.h"
#include "linformer/nn/model.h"

namespace linformer {

struct ProjectionStudyOptions {
  std::vector<int64_t> lengths;            ///< n, each at most the length of the rows
  std::vector<int64_t> projected_lengths;  ///< k, each at most every n
  std::vector<double> epsilons{0.1, 0.25, 0.5};
  int64_t num_draws = 3;             ///< of R, for each row, n and k
  std::optional<double> delta = {};  ///< of theorem 2; 1 / n if absent
  uint64_t seed = 1;                 ///< of R
};

/// Relative errors of many columns or rows.
struct ErrorSummary {
  double mean = 0.0;
  double median = 0.0;
  double percentile_95 = 0.0;
  std::vector<double> shares_above;  ///< share of errors above each epsilon
};

/// The errors of one head, or of all heads together.
struct HeadErrors {
  int64_t layer = -1;  ///< -1: all standard layers and heads
  int64_t head = -1;
  ErrorSummary random;    ///< theorem 1: random_projection_errors()
  ErrorSummary best;      ///< truncation_errors() at the same k
  ErrorSummary of_bound;  ///< theorem 2: ExponentialErrors
  ErrorSummary of_output;
};

struct ProjectedErrors {
  int64_t n = 0;
  int64_t k = 0;
  double delta = 0.0;
  HeadErrors all;
  std::vector<HeadErrors> heads;
};

/// How far the P-bar F V of a linformer layer's head is from softmax(Q K^T / sqrt(D)) V with the
/// same weights and the same input of the layer: column_errors().
struct LearnedErrors {
  int64_t n = 0;
  int64_t layer = 0;
  int64_t head = 0;
  int64_t k = 0;
  ErrorSummary errors;
};

struct ProjectionStudy {
  std::vector<ProjectedErrors> standard;  ///< of standard layers, n by n and k by k
  std::vector<LearnedErrors> learned;     ///< of linformer layers, n by n
  int64_t num_sequences = 0;
  bool complete = true;  ///< false if a stop signal cut it short
};

/// Rows of a matrix A that theorem 2 is measured on: evenly spaced, at most this many.
inline constexpr int64_t kStudiedRows = 64;

/// Measures theorems 1 and 2 on the attention of a model on rows of one length, cut to each n. All
/// heads meet the same R; each row of text and each draw has its own. Looks at the stop signal
/// between rows. `measured` gets the number of layers that are done, in all rows and lengths
/// together, and their share of the work. Throws RunError for numbers that are not finite.
ProjectionStudy study_projections(
    const Model& model, std::span<const InputRow> rows, const ProjectionStudyOptions& options,
    const std::function<void(int64_t layers, double share)>& measured = {});

}  // namespace linformer
