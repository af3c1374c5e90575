#include "linformer/train/training_step.h"

#include <algorithm>
#include <cmath>

namespace linformer {
namespace {

double divisor_of(int64_t num_labels) {
  return static_cast<double>(std::max<int64_t>(1, num_labels));
}

}  // namespace

LossSum TrainingStep::accumulate(const std::function<LossSum()>& forward,
                                 const Backward& backward) {
  const LossSum loss = precision_.loss(forward);
  const at::Tensor scaled = precision_.scaled(loss.sum);
  if (backward) {
    backward(loss, scaled);
  } else {
    scaled.backward();
  }
  return loss;
}

StepGradients TrainingStep::end_passes(int64_t num_labels) {
  StepGradients gradients;
  gradients.num_labels = num_labels;
  gradients.usable = precision_.unscale(optimizer_);
  // Gradients are sums over labels: divided once, by the count of the whole step.
  gradients.norm =
      gradients.usable ? optimizer_.gradient_norm() / divisor_of(num_labels) : std::nan("");
  return gradients;
}

void TrainingStep::update(const StepGradients& gradients, double learning_rate) {
  optimizer_.step(learning_rate, divisor_of(gradients.num_labels) /
                                     clip_factor(gradients.norm, config_.max_grad_norm));
}

void TrainingStep::finish(int64_t num_labels, double learning_rate) {
  const StepGradients gradients = end_passes(num_labels);
  if (gradients.usable) update(gradients, learning_rate);
  drop_gradients();
}

}  // namespace linformer
