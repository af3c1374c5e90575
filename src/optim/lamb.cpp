#include "linformer/optim/lamb.h"

#include <cmath>

#include <ATen/ATen.h>

namespace linformer {
namespace {

/// |w| / |u|, or 1 where either is 0; stays on the tensors' device.
at::Tensor trust_ratio(const at::Tensor& weight, const at::Tensor& update) {
  const at::Tensor weight_norm = at::linalg_vector_norm(weight);
  const at::Tensor update_norm = at::linalg_vector_norm(update);
  const at::Tensor usable = weight_norm.gt(0.0).logical_and(update_norm.gt(0.0));
  return at::where(usable, weight_norm / update_norm, at::ones_like(weight_norm));
}

}  // namespace

void Lamb::update(Group& group, const std::vector<at::Tensor>& gradients, double learning_rate,
                  double divisor) {
  const double beta1 = config().betas[0];
  const double beta2 = config().betas[1];
  const auto count = static_cast<double>(num_updates());
  const double correction1 = 1.0 - std::pow(beta1, count);
  const double correction2 = 1.0 - std::pow(beta2, count);
  const bool scaled = group.role != ParameterRole::kBiasOrNorm || config().decay_biases_and_norms;
  for (size_t i = 0; i < group.parameters.size(); ++i) {
    const at::Tensor gradient = gradients[i] / divisor;
    at::Tensor& exp_avg = group.states[0][i];
    at::Tensor& exp_avg_sq = group.states[1][i];
    exp_avg.mul_(beta1).add_(gradient, 1.0 - beta1);
    exp_avg_sq.mul_(beta2).addcmul_(gradient, gradient, 1.0 - beta2);
    const at::Tensor root = (exp_avg_sq / correction2).sqrt_().add_(config().eps);
    at::Tensor change = (exp_avg / correction1).div_(root);
    const at::Tensor weight = group.parameters[i].detach();
    if (group.weight_decay != 0.0) change.add_(weight, group.weight_decay);
    if (scaled) change.mul_(trust_ratio(weight, change));
    weight.sub_(change, learning_rate);
  }
}

std::unique_ptr<Optimizer> make_lamb(std::vector<OptimizedParameter> parameters,
                                     const OptimizerConfig& config) {
  return std::make_unique<Lamb>(std::move(parameters), config);
}

}  // namespace linformer
