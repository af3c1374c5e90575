#pragma once

#include <string>
#include <string_view>

#include <c10/core/Device.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// Speed of matrix products in a low number type, compared with fp32.
struct PrecisionSpeed {
  Precision precision = Precision::kFp32;
  double full_flops = 0.0;  ///< fp32, FLOP a second
  double low_flops = 0.0;   ///< `precision`, FLOP a second
  bool native = false;      ///< the device has instructions for it
  /// Above 1: the low type is slower.
  double slowdown() const { return full_flops / low_flops; }
  bool is_faster() const { return slowdown() < 0.9; }
  /// More than a tenth slower; less is noise of the measurement.
  bool is_slow() const { return precision != Precision::kFp32 && slowdown() > 1.1; }
};

/// Whether `flags` (the line of /proc/cpuinfo) name instructions that multiply this type:
/// avx512_bf16 or amx_bf16; avx512_fp16 or amx_fp16.
bool has_native_instructions(std::string_view flags, Precision precision);
/// The same for this CPU.
bool has_native_instructions(Precision precision);

/// Times products of 512 x 512 matrices in both types with the present number of threads, in turn,
/// for about a second at most, and takes the median of each. Whether the CPU has instructions is
/// reported too, but the measurement decides, since a library may not use them.
PrecisionSpeed measure_precision_speed(Precision precision);

/// Throws UsageError with the measured factor if training.precision is slower than fp32. With
/// `forced` it logs a warning instead.
void refuse_slow_precision(const PrecisionSpeed& speed, bool forced);

/// What `auto` stands for on a device.
struct ChosenPrecision {
  Precision precision = Precision::kFp32;
  std::string reason;  ///< continues "precision bf16: ..."
};

/// bf16 if `speed`, a measurement of it, shows it a tenth faster than fp32 or more, else fp32.
ChosenPrecision choose_precision(const PrecisionSpeed& speed, const std::string& device);

/// Measures and chooses. A CPU without instructions for bf16 is not measured.
ChosenPrecision choose_precision(c10::Device device);

/// Measures and refuses, for programs. Does nothing for fp32 or on other devices than the CPU.
void check_precision_speed(Precision precision, c10::Device device, bool forced);

}  // namespace linformer
