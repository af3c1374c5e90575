#pragma once

#include <c10/core/Device.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// Speed of a large matrix multiplication with the threads set now, in FLOP a second: the best of a
/// few products of two 2048 x 2048 matrices. Takes about half a second; where a product would take
/// seconds (a low type on a CPU without instructions for it), of 512 x 512.
double measure_matmul_peak(Precision precision = Precision::kFp32,
                           c10::Device device = c10::Device(c10::kCPU));

}  // namespace linformer
