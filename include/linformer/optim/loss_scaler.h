#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// The state of a loss scaler between steps.
struct LossScaleState {
  double scale = 1.0;
  int64_t good_steps = 0;   ///< since the last change of the scale
  int64_t num_skipped = 0;  ///< updates lost to overflows, in the whole run

  bool operator==(const LossScaleState&) const = default;
};

/// Dynamic loss scaling (Micikevicius et al. 2018, section 3.2). The loss is multiplied by a scale
/// that lifts gradients into the range of fp16. A step whose gradients overflow is skipped and
/// lowers the scale; growth_interval good steps in a row raise it.
class LossScaler {
 public:
  explicit LossScaler(const LossScaleConfig& config);

  double scale() const { return state_.scale; }

  /// Divides gradients of the scaled loss by the scale, in place. Returns false if one of them is
  /// not finite; their values are then meaningless.
  bool unscale(const std::vector<at::Tensor>& gradients) const;

  /// Call after each step; `finite` is the result of unscale().
  void update(bool finite);

  /// The scale is at its minimum: an overflow now has another cause than the scale.
  bool at_minimum() const { return state_.scale <= config_.minimum; }

  const LossScaleState& state() const { return state_; }
  void set_state(const LossScaleState& state) { state_ = state; }

 private:
  LossScaleConfig config_;
  LossScaleState state_;
};

}  // namespace linformer
