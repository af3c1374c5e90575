#pragma once

#include <cstdint>
#include <string>

#include <c10/core/Device.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// Whether several processes may use one CUDA device. NCCL refuses that; Gloo does not mind.
enum class DeviceSharing { kNo, kAllowed };

/// The device that `choice` means: auto is CUDA if there is a CUDA device, else the CPU. Process
/// `local_rank` of a machine gets the device of that number; with kAllowed, processes share the
/// devices in turn if there are fewer. Throws UsageError that names `key` if CUDA is requested but
/// missing, or has fewer devices than that. On CUDA, the whole process uses deterministic
/// algorithms from then on.
c10::Device compute_device(DeviceChoice choice, int64_t local_rank = 0,
                           const std::string& key = "run.device",
                           DeviceSharing sharing = DeviceSharing::kNo);

/// CUDA devices of this machine; 0 also without CUDA in LibTorch.
int64_t num_cuda_devices();

}  // namespace linformer
