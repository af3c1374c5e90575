#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace linformer {

/// The label of a row without a loss.
constexpr int64_t kIgnoredLabel = -1;

/// Sum over rows of the cross-entropy of softmax(hidden W^T + bias) against `labels`, in nats.
///
///   hidden (M, C);  weight (V, C);  bias (V);  labels (M) int64 in [0, V), or kIgnoredLabel: the
///   row has the loss 0, and adds exactly 0 to every gradient returns a scalar. M = 0 gives 0.
///
/// Chunked cross-entropy: works through the rows in chunks and computes the gradients on the way,
/// so the (M, V) logits never exist as a whole.
at::Tensor linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& weight,
                                const at::Tensor& bias, const at::Tensor& labels);

/// The same losses row by row, without gradients: (M).
at::Tensor linear_cross_entropy_rows(const at::Tensor& hidden, const at::Tensor& weight,
                                     const at::Tensor& bias, const at::Tensor& labels);

/// What a model says about rows.
struct RowScores {
  at::Tensor losses;  ///< (M)
  at::Tensor best;    ///< (M) int64, the word with the largest logit; the first of equal ones
};

/// The losses of linear_cross_entropy_rows(), to the bit, and the best words from the same logits.
/// `best` is in [0, V) even where a logit is NaN.
RowScores linear_cross_entropy_scores(const at::Tensor& hidden, const at::Tensor& weight,
                                      const at::Tensor& bias, const at::Tensor& labels);

}  // namespace linformer
