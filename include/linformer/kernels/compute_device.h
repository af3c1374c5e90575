#pragma once

#include <cstdint>
#include <string>

#include <c10/core/Device.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// The device that `choice` means: auto is CUDA if there is a CUDA device, else the CPU. Process
/// `local_rank` of a machine gets the device of that number. Throws UsageError that names `key` if
/// CUDA is requested but missing, or has fewer devices. On CUDA, the whole process uses
/// deterministic algorithms from then on.
c10::Device compute_device(DeviceChoice choice, int64_t local_rank = 0,
                           const std::string& key = "run.device");

}  // namespace linformer
