#pragma once

#include <cstdint>
#include <functional>

#include <ATen/core/Tensor.h>

#include "linformer/config/trainer_config.h"
#include "linformer/optim/optimizer.h"
#include "linformer/train/loss_sum.h"
#include "linformer/train/step_precision.h"

namespace linformer {

/// The gradients of a whole step, before the update.
struct StepGradients {
  /// L2 norm of the mean loss's gradient, before clipping; NaN: fp16 overflowed.
  double norm = 0.0;
  /// False: they overflowed fp16 and the step has to be left out; the loss scale is lower now.
  bool usable = false;
  int64_t num_labels = 0;
};

/// The arithmetic of one training step, the same for runs, dry runs and benchmarks:
///
///   forward and backward of each micro-batch; gradients add up as sums over labels
///   unscaling, norm, clipping to max_grad_norm, one update with the gradients of the mean loss
///
/// The caller handles everything in between (data, processes, guard, log).
class TrainingStep {
 public:
  /// All three have to outlive the step.
  TrainingStep(StepPrecision& precision, Optimizer& optimizer, const OptimizerConfig& config)
      : precision_(precision), optimizer_(optimizer), config_(config) {}

  /// Runs backward() on the scaled loss; `loss` is the micro-batch's own, not scaled.
  using Backward = std::function<void(const LossSum& loss, const at::Tensor& scaled)>;

  /// One micro-batch: `forward` under autocast, then `backward` (by itself scaled.backward()).
  LossSum accumulate(const std::function<LossSum()>& forward, const Backward& backward = {});

  /// Ends the passes of a step with this many labels in all, those of other processes included.
  StepGradients end_passes(int64_t num_labels);

  /// Updates the weights with the gradients of the mean loss, clipped. Not called for a step that
  /// is left out.
  void update(const StepGradients& gradients, double learning_rate);

  /// Drops the gradients, whether the step was taken or not.
  void drop_gradients() { optimizer_.zero_grad(gradient_memory_); }

  /// Whether dropped gradients stay at their place, as zeros.
  void set_gradient_memory(GradientMemory memory) { gradient_memory_ = memory; }

  /// end_passes(), update() if the gradients are usable, drop_gradients().
  void finish(int64_t num_labels, double learning_rate);

 private:
  StepPrecision& precision_;
  Optimizer& optimizer_;
  const OptimizerConfig& config_;
  GradientMemory gradient_memory_ = GradientMemory::kFreed;
};

}  // namespace linformer
