#pragma once

#include "linformer/config/trainer_config.h"
#include "linformer/dist/launch_environment.h"
#include "linformer/kernels/compute_device.h"

namespace linformer {

/// The device of this process of a run; `Config` is PretrainConfig or FinetuneConfig.
template <class Config>
c10::Device run_device(const Config& config) {
  const bool gloo = config.distributed.backend == CollectiveBackend::kGloo;
  return compute_device(config.run.device, launch_environment().local_rank, "run.device",
                        gloo ? DeviceSharing::kAllowed : DeviceSharing::kNo);
}

}  // namespace linformer
