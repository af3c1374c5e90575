#pragma once

#include <array>
#include <string_view>

#include "linformer/config/fields.h"

namespace linformer {

enum class CollectiveBackend { kAuto, kGloo, kNccl };

template <>
struct EnumNames<CollectiveBackend> {
  static constexpr std::array<std::string_view, 3> kNames{"auto", "gloo", "nccl"};
};

/// How several processes work on one run. The launcher's environment says which processes there are
/// (dist/launch_environment.h). With one process, these settings have no effect.
struct DistributedConfig {
  CollectiveBackend backend = CollectiveBackend::kAuto;
  double timeout_seconds = 600.0;
  double bucket_megabytes = 25.0;
  bool shard_optimizer = false;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("backend", config.backend,
          "communication library for gradients; auto: nccl if the tensors are on CUDA, else gloo");
    field("timeout_seconds", config.timeout_seconds,
          "seconds to wait for another process before the run stops; has to exceed the differences "
          "in start-up and saving time between processes",
          positive());
    field("bucket_megabytes", config.bucket_megabytes,
          "gradients are summed in pieces of this size during the backward pass", positive());
    field("shard_optimizer", config.shard_optimizer,
          "true splits the optimizer's moments over the processes (ZeRO-1): the same numbers, less "
          "memory, weights sent once more per step");
  }
  bool operator==(const DistributedConfig&) const = default;
};

}  // namespace linformer
