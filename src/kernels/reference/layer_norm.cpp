#include "linformer/kernels/layer_norm.h"

#include <ATen/ATen.h>

#include "kernels.h"

namespace linformer::reference {

ResidualNorm residual_norm(const NormInputs& inputs, const NormOptions& options) {
  at::Tensor sum = inputs.bias.defined() ? inputs.x + inputs.bias : inputs.x;
  sum = dropout(sum, options.dropout, inputs.rows);
  if (inputs.residual.defined()) sum = sum + inputs.residual;
  if (inputs.shift.defined()) {
    return {sum, at::layer_norm(sum, {sum.size(1)}, inputs.weight, inputs.shift, options.epsilon)};
  }
  const at::Tensor mean_square = sum.square().mean(-1, /*keepdim=*/true);
  return {sum, sum * (mean_square + options.epsilon).rsqrt() * inputs.weight};
}

}  // namespace linformer::reference
