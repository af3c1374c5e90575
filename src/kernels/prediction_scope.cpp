#include "linformer/kernels/prediction_scope.h"

#include "linformer/core/error.h"
#include "linformer/core/log.h"
#include "linformer/kernels/precision_speed.h"

namespace linformer {

PredictionScope::PredictionScope(PredictionPrecision precision, c10::Device device) {
  if (precision == PredictionPrecision::kInt8) {
    if (!device.is_cpu()) {
      fail_usage("--precision", "int8 is for the CPU, the device is " + device.str(),
                 "add --device cpu, or use --precision bf16");
    }
    int8_.emplace();
  }
  if (precision != PredictionPrecision::kBf16) return;
  if (device.is_cpu() && !has_native_instructions(Precision::kBf16)) {
    log_warning("--precision: this CPU has no instructions for bf16, so fp32 is faster");
  }
  bf16_.emplace(MixedPrecision(Precision::kBf16));
}

}  // namespace linformer
