#include "linformer/nn/linear.h"

#include <vector>

#include <ATen/ATen.h>

#include "linformer/kernels/weight_product.h"

namespace linformer {
namespace {

at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return weight_product(x.flatten(0, -2), weight, bias).view(shape);
}

}  // namespace

at::Tensor multiply(const at::Tensor& x, const Linear& linear) {
  return product(x, linear.weight, {});
}

at::Tensor apply(const at::Tensor& x, const Linear& linear) {
  return product(x, linear.weight, linear.bias);
}

at::Tensor select_valid(const at::Tensor& x, const at::Tensor& mask, double filler) {
  return mask.defined() ? x.masked_fill(mask.logical_not().unsqueeze(-1), filler) : x;
}

}  // namespace linformer
