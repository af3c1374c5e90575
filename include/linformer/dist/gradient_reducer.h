#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/dist/process_group.h"

namespace linformer {

/// Sums gradients over the processes during the backward pass, with c10d's Reducer. Parameters lie
/// in buckets in reverse order. A bucket is sent as soon as its last gradient is computed.
///
/// It computes sums, not means: the trainer divides once, by the label count of all processes.
/// Parameters that need no gradient are left out. If a parameter has no gradient on this process in
/// a step, it counts as zero; if it has none on any process, it stays without.
class GradientReducer {
 public:
  GradientReducer(ProcessGroup& group, std::vector<std::pair<std::string, at::Tensor>> parameters);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// loss.backward() for every micro-batch of a step but the last. Gradients stay on this process
  /// and are added to the existing ones.
  void accumulate(const at::Tensor& loss);

  /// loss.backward() for the last micro-batch of a step. Afterwards every gradient is the sum over
  /// processes and micro-batches. All processes call it once per step. Throws PeerError; gradients
  /// are then undefined.
  void accumulate_and_sum(const at::Tensor& loss);

 private:
  struct State;
  std::unique_ptr<State> state_;  // null for a single process
};

}  // namespace linformer
