#include "linformer/optim/adamw.h"

#include <ATen/ATen.h>

namespace linformer {

AdamW::AdamW(std::vector<OptimizedParameter> parameters, const OptimizerConfig& config)
    : config_(config), groups_(3) {
  const auto group_of = [&](ParameterRole role) -> Group& {
    return groups_[static_cast<size_t>(role)];
  };
  group_of(ParameterRole::kWeight).weight_decay = config.weight_decay;
  if (config.decay_biases_and_norms) {
    group_of(ParameterRole::kBiasOrNorm).weight_decay = config.weight_decay;
  }
  Group& projections = group_of(ParameterRole::kProjection);
  projections.weight_decay = config.projection_weight_decay.value_or(config.weight_decay);
  projections.learning_rate = config.projection_learning_rate;
  for (OptimizedParameter& parameter : parameters) {
    if (!parameter.tensor.requires_grad()) continue;
    Group& group = group_of(parameter.role);
    group.parameters.push_back(parameter.tensor);
    group.exp_avgs.push_back(at::zeros_like(parameter.tensor));
    group.exp_avg_sqs.push_back(at::zeros_like(parameter.tensor));
    group.names.push_back(std::move(parameter.name));
  }
}

double AdamW::gradient_norm() const {
  double squares = 0.0;
  for (const Group& group : groups_) {
    for (const at::Tensor& parameter : group.parameters) {
      if (!parameter.grad().defined()) continue;
      const double norm = at::linalg_vector_norm(parameter.grad()).item<double>();
      squares += norm * norm;
    }
  }
  return std::sqrt(squares);
}

void AdamW::step(double learning_rate, double divisor) {
  const at::NoGradGuard no_grad;
  ++num_updates_;
  const at::Tensor count = at::full({}, static_cast<double>(num_updates_), at::kFloat);
  const at::Tensor scale = at::full({}, divisor, at::kFloat);
  for (Group& group : groups_) {
    if (group.parameters.empty()) continue;
    std::vector<at::Tensor> gradients;
    gradients.reserve(group.parameters.size());
    for (const at::Tensor& parameter : group.parameters) {
      gradients.push_back(parameter.grad().defined() ? parameter.grad().contiguous()
                                                     : at::zeros_like(parameter));
    }
    const std::vector<at::Tensor> counts(group.parameters.size(), count);
    at::_fused_adamw_(group.parameters, gradients, group.exp_avgs, group.exp_avg_sqs, {}, counts,
                      learning_rate * group.learning_rate, config_.betas[0], config_.betas[1],
                      group.weight_decay, config_.eps, /*amsgrad=*/false, /*maximize=*/false, scale,
                      std::nullopt);
  }
}

void AdamW::zero_grad() {
  for (Group& group : groups_) {
    for (at::Tensor& parameter : group.parameters) parameter.mutable_grad().reset();
  }
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() const {
  std::vector<std::pair<std::string, at::Tensor>> result;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      result.emplace_back("exp_avg." + group.names[i], group.exp_avgs[i]);
      result.emplace_back("exp_avg_sq." + group.names[i], group.exp_avg_sqs[i]);
    }
  }
  return result;
}

double clip_factor(double norm, double max_norm) {
  return max_norm > 0.0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

}  // namespace linformer
