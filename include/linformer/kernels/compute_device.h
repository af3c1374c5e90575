#pragma once

#include <cstdint>

#include <c10/core/Device.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// The device that `choice` means: auto is CUDA where there is one, else the CPU. Process
/// `local_rank` of a machine takes the device of that number. Throws UsageError where CUDA is asked
/// for and absent, or has fewer devices. On CUDA, operations take deterministic algorithms from
/// then on, in the whole process.
c10::Device compute_device(DeviceChoice choice, int64_t local_rank = 0);

}  // namespace linformer
