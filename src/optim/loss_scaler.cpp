#include "linformer/optim/loss_scaler.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace linformer {

LossScaler::LossScaler(const LossScaleConfig& config) : config_(config) {
  state_.scale = config.initial;
}

bool LossScaler::unscale(const std::vector<at::Tensor>& gradients) const {
  if (gradients.empty()) return true;
  const at::NoGradGuard no_grad;
  const at::TensorOptions options = gradients.front().options().dtype(at::kFloat);
  at::Tensor found = at::zeros({1}, options);
  const at::Tensor inverse = at::full({1}, 1.0 / state_.scale, options);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found, inverse);
  return found.item<float>() == 0.0f;
}

void LossScaler::update(bool finite) {
  if (!finite) {
    ++state_.num_skipped;
    state_.scale = std::max(config_.minimum, state_.scale * config_.backoff_factor);
    state_.good_steps = 0;
    return;
  }
  if (++state_.good_steps < config_.growth_interval) return;
  // Beyond this scale, an fp32 loss itself would overflow.
  constexpr double kLargest = 1 << 30;
  state_.scale = std::min(kLargest, state_.scale * config_.growth_factor);
  state_.good_steps = 0;
}

}  // namespace linformer
