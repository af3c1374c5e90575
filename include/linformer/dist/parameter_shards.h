#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/dist/process_group.h"

namespace linformer {

/// Which process keeps the optimizer's state of which parameter (ZeRO-1, arXiv 1910.02054): whole
/// parameters, the largest first to the process with the least so far, so the same everywhere.
std::vector<int64_t> assign_owners(const std::vector<int64_t>& sizes, int64_t num_ranks);

/// Parameters of which each is updated by one process and then sent to the others.
class ParameterShards {
 public:
  ParameterShards(ProcessGroup& group, std::vector<at::Tensor> parameters);

  /// Owner of parameter i.
  int64_t owner(size_t i) const { return owners_[i]; }
  bool owns(size_t i) const { return owners_[i] == group_->rank(); }

  /// After an update: every process gets each parameter from its owner. Throws PeerError.
  void share() const;

 private:
  ProcessGroup* group_;
  std::vector<at::Tensor> parameters_;
  std::vector<int64_t> owners_;
};

}  // namespace linformer
