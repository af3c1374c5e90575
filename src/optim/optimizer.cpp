#include "linformer/optim/optimizer.h"

#include <array>

#include <ATen/ATen.h>

namespace linformer {
namespace {

constexpr size_t kNumRoles = 3;

double weight_decay_of(ParameterRole role, const OptimizerConfig& config) {
  switch (role) {
    case ParameterRole::kBiasOrNorm:
      return config.decay_biases_and_norms ? config.weight_decay : 0.0;
    case ParameterRole::kProjection:
      return config.projection_weight_decay.value_or(config.weight_decay);
    case ParameterRole::kWeight:
      break;
  }
  return config.weight_decay;
}

}  // namespace

Optimizer::Optimizer(std::vector<OptimizedParameter> parameters, const OptimizerConfig& config,
                     std::vector<std::string> state_names)
    : config_(config), state_names_(std::move(state_names)) {
  // Groups are in the order of the roles, and within a role of the first parameter with each rate.
  std::vector<std::vector<Group>> by_role(kNumRoles);
  const auto group_of = [&](const OptimizedParameter& parameter) -> Group& {
    std::vector<Group>& groups = by_role[static_cast<size_t>(parameter.role)];
    const double rate =
        parameter.learning_rate *
        (parameter.role == ParameterRole::kProjection ? config.projection_learning_rate : 1.0);
    for (Group& group : groups) {
      if (group.learning_rate == rate) return group;
    }
    Group& group = groups.emplace_back();
    group.states.resize(state_names_.size());
    group.role = parameter.role;
    group.weight_decay = weight_decay_of(parameter.role, config);
    group.learning_rate = rate;
    return group;
  };
  for (OptimizedParameter& parameter : parameters) {
    if (!parameter.tensor.requires_grad()) continue;
    Group& group = group_of(parameter);
    group.all.push_back(parameter.tensor);
    if (!parameter.updated_here) continue;
    group.parameters.push_back(parameter.tensor);
    for (auto& state : group.states) state.push_back(at::zeros_like(parameter.tensor));
    group.names.push_back(std::move(parameter.name));
  }
  for (std::vector<Group>& groups : by_role) {
    for (Group& group : groups) groups_.push_back(std::move(group));
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
  const std::vector<at::Tensor> all = gradients();
  if (all.empty()) return 0.0;
  // A single copy to the CPU, since each copy would wait for the device.
  const at::Tensor each = at::stack(at::_foreach_norm(all)).to(at::kCPU, at::kDouble);
  double squares = 0.0;
  for (int64_t i = 0; i < each.numel(); ++i) {
    const double norm = each.const_data_ptr<double>()[i];
    squares += norm * norm;
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
    // LibTorch's fused kernel does not raise the version, which cast_weight() and others rely on.
    for (const at::Tensor& parameter : group.parameters) {
      parameter.unsafeGetTensorImpl()->bump_version();
    }
  }
}

void Optimizer::zero_grad(GradientMemory memory) {
  if (memory == GradientMemory::kKept) {
    std::vector<at::Tensor> all = gradients();
    if (!all.empty()) at::_foreach_zero_(all);
    return;
  }
  for (Group& group : groups_) {
    for (at::Tensor& parameter : group.all) parameter.mutable_grad().reset();
  }
}

std::vector<std::pair<std::string, at::Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, at::Tensor>> result;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      for (size_t j = 0; j < state_names_.size(); ++j) {
        result.emplace_back(state_names_[j] + "." + group.names[i], group.states[j][i]);
      }
    }
  }
  return result;
}

std::unique_ptr<Optimizer> make_optimizer(std::vector<OptimizedParameter> parameters,
                                          const OptimizerConfig& config) {
#define LINFORMER_KIND(ENUMERATOR, NAME, WHAT) &make_##NAME,
  constexpr std::array kMakers{LINFORMER_OPTIMIZER_KINDS(LINFORMER_KIND)};
#undef LINFORMER_KIND
  return kMakers.at(static_cast<size_t>(config.type))(std::move(parameters), config);
}

double clip_factor(double norm, double max_norm) {
  return max_norm > 0.0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

}  // namespace linformer
