#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// The role of a parameter decides its learning rate and weight decay.
enum class ParameterRole {
  kWeight,      ///< weight_decay
  kBiasOrNorm,  ///< no decay, unless decay_biases_and_norms
  kProjection   ///< E and F: projection_weight_decay and projection_learning_rate
};

/// What becomes of the memory of dropped gradients.
enum class GradientMemory {
  kFreed,  ///< the next backward pass reuses it for anything
  kKept    ///< it stays the gradient's, and is set to zero
};

/// A parameter as the optimizer sees it.
struct OptimizedParameter {
  std::string name;
  at::Tensor tensor;
  ParameterRole role = ParameterRole::kWeight;
  bool updated_here = true;    ///< false: another process updates it and keeps its moments
  double learning_rate = 1.0;  ///< multiplies the step's learning rate
};

/// An optimizer. It has groups of parameters with their own rate and decay, and named state tensors
/// of each parameter's size, which checkpoints store. Kinds of optimizers differ in their state and
/// in how they change a weight.
///
/// Parameters that do not require a gradient are not changed. A parameter without a gradient in a
/// step counts as one with gradient zero.
class Optimizer {
 public:
  /// `state_names` are the tensors per parameter, e.g. "exp_avg"; they start as zeros.
  Optimizer(std::vector<OptimizedParameter> parameters, const OptimizerConfig& config,
            std::vector<std::string> state_names);
  virtual ~Optimizer() = default;

  /// The defined gradients, to be read or scaled in place.
  std::vector<at::Tensor> gradients() const;

  /// L2 norm over all gradients together, before any scaling.
  double gradient_norm() const;

  /// One update with every gradient divided by `divisor`: the step's label count, divided by the
  /// clipping factor.
  void step(double learning_rate, double divisor);

  /// Drops all gradients.
  void zero_grad(GradientMemory memory = GradientMemory::kFreed);

  int64_t num_updates() const { return num_updates_; }

  /// The state by name, STATE.PARAMETER, e.g. "exp_avg.lm_head.bias". These are handles, not
  /// copies, so loading into them restores the optimizer. The count of updates has to be restored
  /// with it.
  std::vector<std::pair<std::string, at::Tensor>> state() const;
  const std::vector<std::string>& state_names() const { return state_names_; }
  void set_num_updates(int64_t count) { num_updates_ = count; }

 protected:
  /// The parameters of one role and learning rate.
  struct Group {
    ParameterRole role = ParameterRole::kWeight;
    double weight_decay = 0.0;
    double learning_rate = 1.0;  // factor
    std::vector<at::Tensor> parameters;
    std::vector<std::vector<at::Tensor>> states;  // per state name, in the parameters' order
    std::vector<std::string> names;
    std::vector<at::Tensor> all;  // including those that other processes update
  };

  /// Updates one group with gradients that are not yet divided; num_updates() counts this update
  /// already.
  virtual void update(Group& group, const std::vector<at::Tensor>& gradients, double learning_rate,
                      double divisor) = 0;

  const OptimizerConfig& config() const { return config_; }

 private:
  OptimizerConfig config_;
  std::vector<std::string> state_names_;
  std::vector<Group> groups_;
  int64_t num_updates_ = 0;
};

/// The optimizer that `config.type` names, from the list in config/trainer_config.h.
std::unique_ptr<Optimizer> make_optimizer(std::vector<OptimizedParameter> parameters,
                                          const OptimizerConfig& config);

#define LINFORMER_DECLARE(ENUMERATOR, NAME, WHAT)                                    \
  std::unique_ptr<Optimizer> make_##NAME(std::vector<OptimizedParameter> parameters, \
                                         const OptimizerConfig& config);
LINFORMER_OPTIMIZER_KINDS(LINFORMER_DECLARE)
#undef LINFORMER_DECLARE

/// The factor that clips gradients of norm `norm` to `max_norm` (0 = no clipping):
/// min(1, max_norm / (norm + 1e-6)).
double clip_factor(double norm, double max_norm);

}  // namespace linformer
