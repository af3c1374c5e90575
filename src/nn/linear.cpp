#include "linformer/nn/linear.h"

#include <ATen/ATen.h>

#include "linformer/kernels/weight_product.h"

namespace linformer {

at::Tensor multiply(const at::Tensor& x, const Linear& linear) {
  return weight_product(x.flatten(0, 1), linear.weight)
      .view({x.size(0), x.size(1), linear.weight.size(0)});
}

at::Tensor apply(const at::Tensor& x, const Linear& linear) {
  return weight_product(x.flatten(0, 1), linear.weight, linear.bias)
      .view({x.size(0), x.size(1), linear.weight.size(0)});
}

at::Tensor select_valid(const at::Tensor& x, const at::Tensor& mask, double filler) {
  return mask.defined() ? x.masked_fill(mask.logical_not().unsqueeze(-1), filler) : x;
}

}  // namespace linformer
