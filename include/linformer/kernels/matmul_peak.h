#pragma once

#include <c10/core/Device.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// Speed of a large matrix multiplication with the present number of threads, in FLOP/s: the best
/// of a few products of two 2048 x 2048 matrices (8192 x 8192 on other devices than the CPU). Takes
/// about half a second. If a product would take seconds (a low type on a CPU without instructions
/// for it), 512 x 512 matrices are used.
double measure_matmul_peak(Precision precision = Precision::kFp32,
                           c10::Device device = c10::Device(c10::kCPU));

}  // namespace linformer
