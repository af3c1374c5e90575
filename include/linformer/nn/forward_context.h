#pragma once

#include <cstdint>
#include <vector>

#include "linformer/kernels/dropout.h"

namespace linformer {

struct AttentionRecord;

/// Hands out the dropout sites of one forward pass, in the order in which the pass asks for them.
///
/// `key` has to differ between micro-batches. The trainer derives it from the seed and the position
/// of the micro-batch's first sample. A default-constructed context means evaluation, without
/// dropout.
class ForwardContext {
 public:
  ForwardContext() = default;
  explicit ForwardContext(uint64_t key) : training_(true), key_(key) {}

  DropoutSite next_dropout(double probability);

  /// If set, layers keep only their input and compute the rest again in the backward pass.
  void set_recompute(bool recompute) { recompute_ = recompute; }
  bool recompute() const { return recompute_; }

  /// If set, each layer appends what its attention computes, in the order of the layers. For
  /// measurements in evaluation: the records hold the queries, keys and values of the pass.
  void record_attention(std::vector<AttentionRecord>* records) { records_ = records; }
  std::vector<AttentionRecord>* attention_records() const { return records_; }

  /// If set, attention without dropout, padding and window writes its scores and probabilities, N x
  /// K numbers per head each, into memory: a product, a softmax and a product of LibTorch instead
  /// of its fused kernel. For measurements against programs from before fused kernels.
  void set_unfused_attention(bool unfused) { unfused_attention_ = unfused; }
  bool unfused_attention() const { return unfused_attention_; }

  bool training() const { return training_; }

 private:
  bool training_ = false;
  bool recompute_ = false;
  bool unfused_attention_ = false;
  uint64_t key_ = 0;
  uint64_t sites_ = 0;
  std::vector<AttentionRecord>* records_ = nullptr;
};

}  // namespace linformer
