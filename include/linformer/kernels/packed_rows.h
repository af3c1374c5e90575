#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace linformer {

/// Some rows of a batch (B, N), side by side in a tensor (R, C): first those of sequence 0, then
/// those of sequence 1, and so on, each in the order of its positions. Packed like this, sequences
/// of different lengths have no padding.
///
/// Letters: B sequences, N positions of a sequence, R packed rows, P most rows of a sequence.
struct PackedRows {
  std::vector<int64_t> starts;  ///< (B + 1): rows [starts[b], starts[b + 1]) are of sequence b
  int64_t length = 0;           ///< N
  int64_t most = 0;             ///< P in pad_rows(): N, or the most rows that a sequence has
  at::Tensor numbers;    ///< (R) int64, b * N + i of each row; undefined: all B * N, in order
  at::Tensor places;     ///< (R) int64, b * P + p of each row in pad_rows(); undefined: all
  at::Tensor positions;  ///< (R) int64, the i of each row; undefined: 0, 1, ... in each sequence
  /// (B, P) bool, true = a row; undefined: all. With are_all(), padding is among the rows where it
  /// is false: shapes are fixed then, and what is computed there is not read.
  at::Tensor mask;

  int64_t num_sequences() const { return static_cast<int64_t>(starts.size()) - 1; }
  int64_t num_rows() const { return starts.back(); }
  /// Whether they are all positions of the batch, so that packing moves nothing.
  bool are_all() const { return !numbers.defined(); }
  bool have_padding() const { return are_all() && mask.defined(); }
};

/// Every position of B sequences of N.
PackedRows all_rows(int64_t num_sequences, int64_t length);

/// The first lengths[b] positions of each sequence b; all_rows() if that is all. 0 <= lengths[b] <=
/// `length`.
PackedRows first_rows(const std::vector<int64_t>& lengths, int64_t length,
                      at::Device device = at::kCPU);

/// The positions with these numbers b * N + i, ascending, each once. Throws std::logic_error for
/// one outside of the batch. `least_most`: P is at least that.
PackedRows chosen_rows(const std::vector<int64_t>& numbers, int64_t num_sequences, int64_t length,
                       at::Device device = at::kCPU, int64_t least_most = 1);

/// Packed rows x (R, C) as (B, P, C): the rows of each sequence come first, zeros behind them and
/// at padding.
at::Tensor pad_rows(const at::Tensor& x, const PackedRows& rows);

/// The inverse: x (B, P, C) without what pad_rows() adds, (R, C). What is dropped is not read, and
/// gets a gradient of zero.
at::Tensor unpad_rows(const at::Tensor& x, const PackedRows& rows);

/// Rows index[m] of x (R, C): (M, C). Each index may occur once.
at::Tensor rows_at(const at::Tensor& x, const at::Tensor& index);

/// (count, C) with row m of x (M, C) at index[m], and zeros elsewhere. Each index may occur once.
at::Tensor rows_into(const at::Tensor& x, const at::Tensor& index, int64_t count);

}  // namespace linformer
