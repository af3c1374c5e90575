#pragma once

#include "../dropout_hash.h"
#include "elements.h"

namespace linformer::cuda {

/// Pointers to memory of the current device. `scores` and `upstream` are of one type; log_sums is
/// float, or double if they are double.
///
/// Letters: B batch, H heads, N queries, M keys, L positions of a whole sequence.
struct SoftmaxDropoutArguments {
  ElementType type = ElementType::kFloat;
  int64_t batch = 0;
  int64_t heads = 0;
  int64_t queries = 0;
  int64_t keys = 0;
  int64_t length = 0;  ///< L
  int64_t window = 0;  ///< even; a query sees keys at most window / 2 away; 0 = all
  double scale = 1.0;
  DropoutHash hash{0.0, 0};
  const bool* key_mask = nullptr;      ///< (B, M), true = may be attended to; null = all
  const int64_t* positions = nullptr;  ///< (B, N), of the queries; null: 0, 1, ...
  void* scores = nullptr;              ///< (B, H, N, M): Q K^T in, dropout(P) out
  void* upstream = nullptr;            ///< (B, H, N, M): dO V^T in, dS out; for the backward pass
  void* log_sums = nullptr;            ///< (B, H, N): written forward, read backward
};

/// S = scale * Q K^T; P = softmax(S) over the keys that a query sees. Computed in place, one warp
/// per row. Queued on `stream` (a cudaStream_t). Returns CUDA's error code of the launch, 0 for
/// success.
int softmax_dropout_forward(const SoftmaxDropoutArguments& arguments, void* stream);

/// Computes dropout(P) again, and with dP = dropout(dO V^T)
///
///   dS = scale * P * (dP - rowsum(P * dP)),   the gradient of Q K^T
int softmax_dropout_backward(const SoftmaxDropoutArguments& arguments, void* stream);

}  // namespace linformer::cuda
