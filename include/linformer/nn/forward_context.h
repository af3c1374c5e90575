#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

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

  /// For a pass that is recorded and repeated with other keys: site i reads its key from
  /// stored_keys (S) int64, on the device of the pass, when it is computed. See dropout_keys().
  explicit ForwardContext(at::Tensor stored_keys)
      : training_(true), stored_keys_(std::move(stored_keys)) {}

  /// Throws std::logic_error if there are fewer stored keys than sites.
  DropoutSite next_dropout(double probability);

  /// How many sites with dropout the pass has asked for.
  int64_t num_sites() const { return static_cast<int64_t>(sites_); }

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
  at::Tensor stored_keys_;
  std::vector<AttentionRecord>* records_ = nullptr;
};

/// The keys of the first `count` sites of a pass with this key: (count) int64 on the CPU.
at::Tensor dropout_keys(uint64_t key, int64_t count);

}  // namespace linformer
