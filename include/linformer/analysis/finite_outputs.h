#pragma once

#include <span>
#include <string>

#include <ATen/core/Tensor.h>

namespace linformer {

/// Throws RunError unless all outputs are finite, so that NaN is never taken for an answer. Weights
/// that are finite but huge can cause such outputs.
void require_finite_outputs(const at::Tensor& outputs);
void require_finite_outputs(std::span<const float> outputs);

/// Throws the error of both; `what` is the subject, e.g. "its outputs".
[[noreturn]] void fail_not_finite(const std::string& what);

}  // namespace linformer
