#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// What a loss scaler has to remember between steps.
struct LossScaleState {
  double scale = 1.0;
  int64_t good_steps = 0;   ///< since the scale changed last
  int64_t num_skipped = 0;  ///< updates that an overflow cost, in the whole run

  bool operator==(const LossScaleState&) const = default;
};

/// Dynamic loss scaling (Micikevicius et al. 2018, section 3.2): the loss is multiplied by a scale
/// that lifts gradients into the range of fp16. A step whose gradients overflow is skipped and
/// lowers the scale; growth_interval good steps in a row raise it.
class LossScaler {
 public:
  explicit LossScaler(const LossScaleConfig& config);

  double scale() const { return state_.scale; }

  /// Divides gradients of the scaled loss by the scale, in place. False if one of them is not
  /// finite; then their values mean nothing.
  bool unscale(const std::vector<at::Tensor>& gradients) const;

  /// After each step; `finite` as unscale() said.
  void update(bool finite);

  /// The scale can fall no further: an overflow now is not the scale's fault.
  bool at_minimum() const { return state_.scale <= config_.minimum; }

  const LossScaleState& state() const { return state_; }
  void set_state(const LossScaleState& state) { state_ = state; }

 private:
  LossScaleConfig config_;
  LossScaleState state_;
};

}  // namespace linformer
