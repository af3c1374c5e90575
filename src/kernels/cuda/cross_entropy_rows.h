#pragma once

#include "elements.h"

namespace linformer::cuda {

/// Pointers to memory of the current device. `logits` is of type `type`; bias and losses are float,
/// or double if the logits are.
struct CrossEntropyRowsArguments {
  ElementType type = ElementType::kFloat;
  int64_t rows = 0;
  int64_t vocabulary = 0;
  bool gradients = false;
  void* logits = nullptr;           ///< (rows, vocabulary): hidden W^T in; with `gradients`, dz out
  const void* bias = nullptr;       ///< (vocabulary)
  const int64_t* labels = nullptr;  ///< (rows), or kIgnoredLabel
  void* losses = nullptr;           ///< (rows), or kIgnoredLabel
  int64_t* best = nullptr;          ///< (rows), or kIgnoredLabel, or null
};

/// z = logits + bias;   loss = log sum_v exp(z_v) - z_label;   dz = softmax(z) - one_hot(label).
/// `best` becomes the place of the largest z, the first of equal ones. One block per row. Queued on
/// `stream` (a cudaStream_t). Returns CUDA's error code of the launch, 0 for success.
int cross_entropy_rows(const CrossEntropyRowsArguments& arguments, void* stream);

}  // namespace linformer::cuda
