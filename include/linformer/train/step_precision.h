#pragma once

#include <functional>
#include <string>
#include <vector>

#include "linformer/kernels/mixed_precision.h"
#include "linformer/optim/loss_scaler.h"
#include "linformer/optim/optimizer.h"
#include "linformer/report/jsonl_log.h"
#include "linformer/train/loss_sum.h"

namespace linformer {

/// The number types of training steps: forward passes under autocast and, for fp16, the loss scale.
///
/// Call loss() and the backward pass of scaled() for each micro-batch, and unscale() before
/// gradients are used. With several processes, each calls unscale() on the sums over all, so all
/// decide the same.
class StepPrecision {
 public:
  explicit StepPrecision(const TrainingConfig& config);

  /// The loss of a micro-batch, computed by `forward`. It is fp32 and not scaled.
  LossSum loss(const std::function<LossSum()>& forward) const;

  /// The loss times the scale, for backward().
  at::Tensor scaled(const at::Tensor& loss) const;

  /// Ends the step's passes: gradients are divided by the scale, and the weights' copies are
  /// dropped. Returns false if gradients overflowed fp16 with this scale: the update has to be left
  /// out, and the scale is now lower. Also returns true if the scale could fall no further. Values
  /// that are not finite then have another cause, and the trainer decides about them.
  bool unscale(const Optimizer& optimizer);

  Precision precision() const { return types_.precision(); }
  /// The same number types, for evaluations.
  const MixedPrecision& types() const { return types_; }

  /// "loss_scale" and "skipped_updates" of fp16, for the log; else nothing.
  LogRecord log_record() const;

  /// For checkpoints; equal in every step without fp16.
  const LossScaleState& state() const { return scaler_.state(); }
  void set_state(const LossScaleState& state);

 private:
  bool scales() const { return precision() == Precision::kFp16; }

  MixedPrecision types_;
  LossScaler scaler_;
};

}  // namespace linformer
