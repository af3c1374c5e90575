#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/kernels/dropout.h"
#include "linformer/kernels/packed_rows.h"

namespace linformer {

/// The positions of queries that are only some of a sequence's. They decide which keys of a window
/// a query sees, and which elements of the dropout site are its own.
struct QueryPositions {
  at::Tensor positions;  ///< (B, N) int64, 0 <= position < length; undefined = 0, 1, ..., N - 1
  int64_t length = 0;    ///< positions of a whole sequence
};

/// Scaled dot-product attention with dropout on the probabilities, tiled over the queries. Neither
/// the scores nor the probabilities are stored; the backward pass computes them again.
///
///   O_h = dropout(softmax(Q_h K_h^T / sqrt(D))) V_h      for each head h
///
///   query      (B, N, H*D) float or double, rows contiguous
///   key, value (B, M, H*D); M = N for standard attention, k for Linformer
///   key_mask   (B, M) bool, true = may be attended to; undefined = all. A row with no true
///              gives 0
///   window     even; query i sees keys i - window / 2 to i + window / 2 (M = N, or M = length).
///              Computed in blocks, at a cost of N * window; 0 = all keys
///   queries    if these queries are some of a sequence's; each gives what it gives among all
///   returns    (B, N, H*D)
///
/// Softmax and accumulation use the tensors' type, or float for low types. LibTorch's fused CPU
/// kernel does not support dropout, and multiplies in fp32.
at::Tensor dropout_attention(const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, int64_t num_heads, const at::Tensor& key_mask,
                             const DropoutSite& site, int64_t window = 0,
                             const QueryPositions& queries = {});

/// The same for packed rows: each sequence of B attends to its own keys, whatever their number.
///
///   query        (R, H*D), the rows `queries` of a batch, whose length decides the dropout site
///   key, value   (S, H*D), the rows `keys` of a batch (B, M): all of them or first_rows()
///   returns      (R, H*D): what each query gives in the padded batch, dropout included
at::Tensor dropout_attention(const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, int64_t num_heads, const PackedRows& queries,
                             const PackedRows& keys, const DropoutSite& site, int64_t window = 0);

/// Whether dropout_attention() of `query` over this many keys is faster than LibTorch's fused
/// attention, without dropout, mask and window.
bool outruns_fused_attention(const at::Tensor& query, int64_t num_keys);

}  // namespace linformer
