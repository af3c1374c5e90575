#pragma once

#include <utility>
#include <vector>

#include "linformer/optim/optimizer.h"

namespace linformer {

/// AdamW (Loshchilov, Hutter 2019) on LibTorch's fused kernel: decoupled weight decay and bias
/// correction, with epsilon added after the correction, as in torch.optim.AdamW.
class AdamW final : public Optimizer {
 public:
  AdamW(std::vector<OptimizedParameter> parameters, const OptimizerConfig& config)
      : Optimizer(std::move(parameters), config, {"exp_avg", "exp_avg_sq"}) {}

 private:
  void update(Group& group, const std::vector<at::Tensor>& gradients, double learning_rate,
              double divisor) override;
};

}  // namespace linformer
