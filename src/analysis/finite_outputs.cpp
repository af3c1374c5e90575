#include "linformer/analysis/finite_outputs.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "linformer/core/error.h"

namespace linformer {

void fail_not_finite(const std::string& what) {
  fail_run("the model", what + " not finite numbers",
           "its weights are damaged, or training diverged; take an earlier checkpoint");
}

void require_finite_outputs(const at::Tensor& outputs) {
  if (!at::isfinite(outputs).all().item<bool>()) fail_not_finite("its outputs are");
}

void require_finite_outputs(std::span<const float> outputs) {
  if (!std::all_of(outputs.begin(), outputs.end(),
                   [](float value) { return std::isfinite(value); }))
    fail_not_finite("its outputs are");
}

}  // namespace linformer
