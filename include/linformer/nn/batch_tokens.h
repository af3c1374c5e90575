#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/kernels/packed_rows.h"

namespace linformer {

/// Some tokens of a batch.
struct ChosenTokens {
  PackedRows rows;
  at::Tensor index;  ///< (R) int64, which of the batch's T tokens they are
};

/// The tokens of a batch (B, N) with any padding. Packed, they lie side by side in a tensor of T
/// rows. E, F and the position embeddings count the tokens of a sequence, so its rows are its first
/// T_b positions, wherever the padding was.
class BatchTokens {
 public:
  /// `mask`  (B, N) bool on any device, true = token; undefined = no padding. On the CPU, reading
  ///         it waits for nothing.
  BatchTokens(const at::Tensor& mask, int64_t num_sequences, int64_t length, at::Device device);

  /// All positions of a batch, padding among them (PackedRows::mask): the shapes do not depend on
  /// how much there is. `mask` is (B, N) bool on the batch's device, and false behind the tokens of
  /// each sequence alone.
  static BatchTokens with_padding(const at::Tensor& mask);

  const PackedRows& rows() const { return rows_; }

  /// x (B, N) or (B, N, C) without padding: (T) or (T, C). Padding is not read.
  at::Tensor take(const at::Tensor& x) const;
  /// The inverse, for x (T, C): (B, N, C), zero at padding.
  at::Tensor put_back(const at::Tensor& x) const;
  /// (T) int64, the position of each token among those of its sequence.
  at::Tensor positions() const;

  /// The tokens at these positions b * N + i of the batch, ascending, each once. Throws
  /// std::logic_error for a position that is padding or outside of the batch.
  ChosenTokens choose(const std::vector<int64_t>& wanted) const;

 private:
  at::Device device_;
  PackedRows rows_;
  std::vector<int64_t> given_;  // (T), b * N + i in the batch; empty without padding
  at::Tensor given_on_device_;
};

}  // namespace linformer
