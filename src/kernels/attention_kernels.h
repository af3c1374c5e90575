#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/kernels/dropout.h"

namespace linformer {

/// The inputs of dropout_attention() (linformer/kernels/attention.h).
///
/// Letters: B batch, N queries, M keys, H heads, D head width.
///
/// Packed, if `query_starts` is not empty: query (R, H*D), key and value (S, H*D), positions (R),
/// no key_mask. Sequence b has the rows [query_starts[b], query_starts[b + 1]) of the queries and
/// those of key_starts of the keys.
struct AttentionInputs {
  at::Tensor query;      ///< (B, N, H*D)
  at::Tensor key;        ///< (B, M, H*D)
  at::Tensor value;      ///< (B, M, H*D)
  at::Tensor key_mask;   ///< (B, M) bool, true = may be attended to; undefined = all
  at::Tensor positions;  ///< (B, N) int64, the queries' positions; undefined = 0, 1, ..., N - 1
  std::vector<int64_t> query_starts;  ///< (B + 1)
  std::vector<int64_t> key_starts;    ///< (B + 1)

  bool are_packed() const { return !query_starts.empty(); }
};

struct AttentionOptions {
  int64_t num_heads = 1;
  int64_t length = 0;    ///< L, positions of a whole sequence; N without `positions`
  int64_t num_keys = 0;  ///< M; for packed keys the M of the padded batch
  int64_t window = 0;    ///< even; a query sees keys at most window / 2 away (M = L); 0 = all
  DropoutSite dropout;
};

struct AttentionResult {
  at::Tensor output;  ///< (B, N, H*D)
  /// log sum_m exp(S_nm) of each query and head, infinite for a query without keys; in an order
  /// that only the implementation knows.
  at::Tensor log_sums;
};

struct AttentionGradients {
  at::Tensor query, key, value;
};

/// A device's attention: for each head
///
///   S = Q K^T / sqrt(D);   P = softmax(S) over the keys a query sees;   O = dropout(P) V
///
/// Element ((b * H + h) * L + i) * M + m of the dropout site decides whether P_nm is kept, where i
/// is the position of query n. A query that sees no key gives 0. All tensors but the mask and the
/// positions are of one type, float or double. All are contiguous.
struct AttentionKernels {
  AttentionResult (*forward)(const AttentionInputs& inputs, const AttentionOptions& options);

  /// With dO = `upstream` (B, N, H*D):
  ///
  ///   dP = dropout(dO V^T);   dV = dropout(P)^T dO
  ///   dS = P * (dP - rowsum(dO * O));   dQ = dS K / sqrt(D);   dK = dS^T Q / sqrt(D)
  AttentionGradients (*backward)(const AttentionInputs& inputs, const AttentionOptions& options,
                                 const AttentionResult& result, const at::Tensor& upstream);

  bool takes_low = false;     ///< all but log_sums may be of one type bf16 or fp16
  bool takes_packed = false;  ///< packed inputs; otherwise the operation pads them

  /// Whether they are meant for such an attention; null: for all. LibTorch's fused attention serves
  /// the others.
  bool (*serves)(const AttentionInputs& inputs, const AttentionOptions& options) = nullptr;

  /// Whether it is faster than LibTorch's fused attention on operands of this type over so many
  /// keys without dropout, mask and window; null: never.
  bool (*outruns_fused)(at::ScalarType type, int64_t num_keys) = nullptr;
};

}  // namespace linformer
