#include "linformer/optim/optimizer.h"

#include <ATen/ATen.h>

#include "linformer/optim/adamw.h"
#include "linformer/optim/lamb.h"

namespace linformer {

Optimizer::Optimizer(std::vector<OptimizedParameter> parameters, const OptimizerConfig& config)
    : config_(config), groups_(3) {
  const auto group_of = [&](ParameterRole role) -> Group& {
    return groups_[static_cast<size_t>(role)];
  };
  for (size_t i = 0; i < groups_.size(); ++i) groups_[i].role = static_cast<ParameterRole>(i);
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
    group.all.push_back(parameter.tensor);
    if (!parameter.updated_here) continue;
    group.parameters.push_back(parameter.tensor);
    group.exp_avgs.push_back(at::zeros_like(parameter.tensor));
    group.exp_avg_sqs.push_back(at::zeros_like(parameter.tensor));
    group.names.push_back(std::move(parameter.name));
  }
}

std::vector<at::Tensor> Optimizer::gradients() const {
  std::vector<at::Tensor> result;
  for (const Group& group : groups_) {
    for (const at::Tensor& parameter : group.all) {
      if (parameter.grad().defined()) result.push_back(parameter.grad());
    }
  }
  return result;
}

double Optimizer::gradient_norm() const {
  double squares = 0.0;
  for (const Group& group : groups_) {
    for (const at::Tensor& parameter : group.all) {
      if (!parameter.grad().defined()) continue;
      const double norm = at::linalg_vector_norm(parameter.grad()).item<double>();
      squares += norm * norm;
    }
  }
  return std::sqrt(squares);
}

void Optimizer::step(double learning_rate, double divisor) {
  const at::NoGradGuard no_grad;
  ++num_updates_;
  for (Group& group : groups_) {
    if (group.parameters.empty()) continue;
    std::vector<at::Tensor> gradients;
    gradients.reserve(group.parameters.size());
    for (const at::Tensor& parameter : group.parameters) {
      gradients.push_back(parameter.grad().defined() ? parameter.grad().contiguous()
                                                     : at::zeros_like(parameter));
    }
    update(group, gradients, learning_rate * group.learning_rate, divisor);
    // LibTorch's fused kernel does not tell those who keep copies, such as cast_weight().
    for (const at::Tensor& parameter : group.parameters) {
      parameter.unsafeGetTensorImpl()->bump_version();
    }
  }
}

void Optimizer::zero_grad() {
  for (Group& group : groups_) {
    for (at::Tensor& parameter : group.all) parameter.mutable_grad().reset();
  }
}

std::vector<std::pair<std::string, at::Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, at::Tensor>> result;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      result.emplace_back("exp_avg." + group.names[i], group.exp_avgs[i]);
      result.emplace_back("exp_avg_sq." + group.names[i], group.exp_avg_sqs[i]);
    }
  }
  return result;
}

std::unique_ptr<Optimizer> make_optimizer(std::vector<OptimizedParameter> parameters,
                                          const OptimizerConfig& config) {
  switch (config.type) {
    case OptimizerType::kAdamw:
      break;
    case OptimizerType::kLamb:
      return std::make_unique<Lamb>(std::move(parameters), config);
  }
  return std::make_unique<AdamW>(std::move(parameters), config);
}

double clip_factor(double norm, double max_norm) {
  return max_norm > 0.0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

}  // namespace linformer
