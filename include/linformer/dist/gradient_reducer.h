#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/dist/process_group.h"

namespace linformer {

/// Sums gradients over the processes while the backward pass goes on, with c10d's Reducer:
/// parameters lie in buckets in the reverse of their order, and a bucket travels as soon as its
/// last gradient is there.
///
/// Sums, not means: the trainer divides once, by the label count of all processes. Parameters that
/// need no gradient take no part. One that got none on this process in a step counts as zero, and
/// one that got none on any stays without.
class GradientReducer {
 public:
  GradientReducer(ProcessGroup& group, std::vector<std::pair<std::string, at::Tensor>> parameters);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// loss.backward(): gradients stay on this process, added to what is there. For every micro-batch
  /// of a step but the last.
  void accumulate(const at::Tensor& loss);

  /// loss.backward(); afterwards every gradient is the sum over processes and micro-batches. All
  /// processes call it once per step. Throws PeerError; gradients are then undefined.
  void accumulate_and_sum(const at::Tensor& loss);

 private:
  struct State;
  std::unique_ptr<State> state_;  // null with one process
};

}  // namespace linformer
