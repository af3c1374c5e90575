#pragma once

#include <span>
#include <string>

#include <ATen/core/Tensor.h>

namespace linformer {

/// What a model computes has to be numbers: nobody is to take NaN for an answer. Weights that are
/// finite but huge get this far. Throws RunError.
void require_finite_outputs(const at::Tensor& outputs);
void require_finite_outputs(std::span<const float> outputs);

/// Throws the error of both; `what` is the subject, e.g. "its outputs".
[[noreturn]] void fail_not_finite(const std::string& what);

}  // namespace linformer
