#pragma once

#include <array>
#include <optional>
#include <string_view>

#include <c10/core/Device.h>

#include "linformer/config/fields.h"
#include "linformer/kernels/int8_scope.h"
#include "linformer/kernels/mixed_precision.h"

namespace linformer {

/// The number type of products with weights in predictions and evaluations.
enum class PredictionPrecision { kFp32, kBf16, kInt8 };

template <>
struct EnumNames<PredictionPrecision> {
  static constexpr std::array<std::string_view, 3> kNames{"fp32", "bf16", "int8"};
};

/// While it exists, this thread computes predictions in this precision: bf16 is the mixed precision
/// of training (AutocastScope), int8 an Int8Scope. fp32 changes nothing.
class PredictionScope {
 public:
  /// Throws UsageError if the device has no products of this type. Warns about bf16 on a CPU
  /// without instructions for it.
  PredictionScope(PredictionPrecision precision, c10::Device device);

 private:
  std::optional<AutocastScope> bf16_;
  std::optional<Int8Scope> int8_;
};

}  // namespace linformer
