#include "linformer/optim/adamw.h"

#include <ATen/ATen.h>

namespace linformer {

void AdamW::update(Group& group, const std::vector<at::Tensor>& gradients, double learning_rate,
                   double divisor) {
  const auto options = group.parameters.front().options().dtype(at::kFloat);
  const at::Tensor count = at::full({}, static_cast<double>(num_updates()), options);
  const at::Tensor scale = at::full({}, divisor, options);
  const std::vector<at::Tensor> counts(group.parameters.size(), count);
  at::_fused_adamw_(group.parameters, gradients, group.states[0], group.states[1], {}, counts,
                    learning_rate, config().betas[0], config().betas[1], group.weight_decay,
                    config().eps, /*amsgrad=*/false, /*maximize=*/false, scale, std::nullopt);
}

std::unique_ptr<Optimizer> make_adamw(std::vector<OptimizedParameter> parameters,
                                      const OptimizerConfig& config) {
  return std::make_unique<AdamW>(std::move(parameters), config);
}

}  // namespace linformer
