#pragma once

// c10d's headers take seconds to compile and, on the CPU, need Gloo's headers. Only sources of this
// folder include them.
#include <chrono>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include "linformer/dist/process_group.h"

namespace linformer {

struct ProcessGroup::Handles {
  c10::intrusive_ptr<c10d::ProcessGroup> group;
  DistributedConfig config;
  std::string name;  // "rank 1 of 4", for messages
  /// Tensors of CUDA are exchanged by Gloo.
  bool cuda_through_host = false;

  /// Throws PeerError for a failure of `operation`.
  [[noreturn]] void fail(const std::string& operation, const std::string& what) const;
};

}  // namespace linformer
