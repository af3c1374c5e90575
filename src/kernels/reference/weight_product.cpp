#include <ATen/ATen.h>

#include "kernels.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer::reference {

at::Tensor weight_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor columns = cast_weight(weight).t();
  return bias.defined() ? at::addmm(cast_weight(bias), x, columns) : at::mm(x, columns);
}

}  // namespace linformer::reference
