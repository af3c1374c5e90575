#pragma once

#include <utility>
#include <vector>

#include "linformer/optim/optimizer.h"

namespace linformer {

/// LAMB (You et al., arXiv 1904.00962, algorithm 2), for large batches. Each tensor moves by a
/// length in proportion to its own norm. With g the gradient, t the update, d the weight decay:
///
///   m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g^2
///   u = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) + d w
///   w = w - learning_rate |w| / |u| u
///
/// The paper's phi is the identity. If |w| or |u| is 0, the ratio is 1. Biases and norms are not
/// scaled (ratio 1), as in the authors' BERT code, unless decay_biases_and_norms is set.
class Lamb final : public Optimizer {
 public:
  Lamb(std::vector<OptimizedParameter> parameters, const OptimizerConfig& config)
      : Optimizer(std::move(parameters), config, {"exp_avg", "exp_avg_sq"}) {}

 private:
  void update(Group& group, const std::vector<at::Tensor>& gradients, double learning_rate,
              double divisor) override;
};

}  // namespace linformer
