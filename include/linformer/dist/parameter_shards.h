#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/dist/process_group.h"

namespace linformer {

/// Assigns each parameter's optimizer state to a process (ZeRO-1, arXiv 1910.02054). Parameters
/// stay whole. In order of size, largest first, each goes to the process with the least so far, so
/// the result is the same on every process.
std::vector<int64_t> assign_owners(const std::vector<int64_t>& sizes, int64_t num_ranks);

/// Parameters that are each updated by one process and then sent to the others.
class ParameterShards {
 public:
  ParameterShards(ProcessGroup& group, std::vector<at::Tensor> parameters);

  /// The rank that owns parameter i.
  int64_t owner(size_t i) const { return owners_[i]; }
  bool owns(size_t i) const { return owners_[i] == group_->rank(); }

  /// After an update, sends each parameter from its owner to all processes. Throws PeerError.
  void share() const;

 private:
  ProcessGroup* group_;
  std::vector<at::Tensor> parameters_;
  std::vector<int64_t> owners_;
};

}  // namespace linformer
