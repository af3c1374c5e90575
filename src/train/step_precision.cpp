#include "linformer/train/step_precision.h"

#include <ATen/ATen.h>

namespace linformer {

StepPrecision::StepPrecision(const TrainingConfig& config)
    : types_(config.precision), scaler_(config.loss_scale) {}

LossSum StepPrecision::loss(const std::function<LossSum()>& forward) const {
  const AutocastScope scope(types_);
  return forward();
}

at::Tensor StepPrecision::scaled(const at::Tensor& loss) const {
  return scales() ? loss * scaler_.scale() : loss;
}

bool StepPrecision::unscale(const Optimizer& optimizer) {
  types_.drop_casts();
  if (!scales()) return true;
  const bool finite = scaler_.unscale(optimizer.gradients());
  if (!finite && scaler_.at_minimum()) return true;
  scaler_.update(finite);
  return finite;
}

LogRecord StepPrecision::log_record() const {
  if (!scales()) return {};
  return {{"loss_scale", scaler_.scale()}, {"skipped_updates", scaler_.state().num_skipped}};
}

void StepPrecision::set_state(const LossScaleState& state) {
  types_.drop_casts();  // a loaded or received state comes with other weights
  if (scales() && state.scale > 0.0) scaler_.set_state(state);
}

}  // namespace linformer
