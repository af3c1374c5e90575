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
/// For each micro-batch loss() and the backward pass of scaled(); before gradients are looked at,
/// unscale(). Several processes call unscale() on the sums of all, and so decide alike.
class StepPrecision {
 public:
  explicit StepPrecision(const TrainingConfig& config);

  /// Forward pass of a micro-batch, by `forward`. The loss is fp32 and not scaled.
  LossSum loss(const std::function<LossSum()>& forward) const;

  /// What backward() is called on: the loss times the scale.
  at::Tensor scaled(const at::Tensor& loss) const;

  /// Ends the step's passes: gradients get their own size back, and the weights' copies are
  /// dropped. False: they overflowed fp16 with this scale, so that the update has to be left out;
  /// the scale is lower now. True as well where the scale could not fall any more: what is not
  /// finite then is not the scale's fault, and for the trainer to judge.
  bool unscale(const Optimizer& optimizer);

  Precision precision() const { return types_.precision(); }
  /// For evaluations: the same number types.
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
