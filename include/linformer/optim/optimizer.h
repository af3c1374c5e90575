#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// Which rate and decay a parameter gets.
enum class ParameterRole {
  kWeight,      ///< weight_decay
  kBiasOrNorm,  ///< no decay, unless decay_biases_and_norms
  kProjection   ///< E and F: projection_weight_decay and projection_learning_rate
};

/// A parameter as the optimizer sees it.
struct OptimizedParameter {
  std::string name;
  at::Tensor tensor;
  ParameterRole role = ParameterRole::kWeight;
  bool updated_here = true;    ///< false: another process does it; no moments are kept here
  double learning_rate = 1.0;  ///< multiplies the step's
};

/// An optimizer with two moment estimates per parameter; what differs is how they move a weight.
///
/// Parameters that do not require a gradient are left alone. A parameter whose gradient is not
/// defined in a step counts as one with gradient zero.
class Optimizer {
 public:
  Optimizer(std::vector<OptimizedParameter> parameters, const OptimizerConfig& config);
  virtual ~Optimizer() = default;

  /// The gradients that are there, to be looked at or scaled in place.
  std::vector<at::Tensor> gradients() const;

  /// L2 norm over all gradients together, before any scaling.
  double gradient_norm() const;

  /// One update with every gradient divided by `divisor` (the step's label count, times whatever
  /// clipping asks for).
  void step(double learning_rate, double divisor);

  /// Drops all gradients; their memory is reused by the next backward pass.
  void zero_grad();

  int64_t num_updates() const { return num_updates_; }

  /// Moments by name, "exp_avg.NAME" and "exp_avg_sq.NAME": handles, not copies, so loading into
  /// them restores the optimizer. The count of updates goes with it.
  std::vector<std::pair<std::string, at::Tensor>> state() const;
  void set_num_updates(int64_t count) { num_updates_ = count; }

 protected:
  /// The parameters of one role and learning rate.
  struct Group {
    ParameterRole role = ParameterRole::kWeight;
    double weight_decay = 0.0;
    double learning_rate = 1.0;  // factor
    std::vector<at::Tensor> parameters, exp_avgs, exp_avg_sqs;
    std::vector<std::string> names;
    std::vector<at::Tensor> all;  // with those that are updated elsewhere, in their order
  };

  /// Moves one group, with gradients not yet divided; num_updates() counts this update already.
  virtual void update(Group& group, const std::vector<at::Tensor>& gradients, double learning_rate,
                      double divisor) = 0;

  const OptimizerConfig& config() const { return config_; }

 private:
  OptimizerConfig config_;
  std::vector<Group> groups_;
  int64_t num_updates_ = 0;
};

/// The optimizer that `config.type` names.
std::unique_ptr<Optimizer> make_optimizer(std::vector<OptimizedParameter> parameters,
                                          const OptimizerConfig& config);

/// The factor that clips gradients of norm `norm` to `max_norm` (0 = no clipping):
/// min(1, max_norm / (norm + 1e-6)).
double clip_factor(double norm, double max_norm);

}  // namespace linformer
