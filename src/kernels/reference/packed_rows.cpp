#include <ATen/ATen.h>

#include "kernels.h"

namespace linformer::reference {

void place_rows(const at::Tensor& x, const at::Tensor& index, at::Tensor target) {
  target.index_copy_(0, index, x);
}

at::Tensor keep_rows(const at::Tensor& x, const at::Tensor& mask) {
  return x.masked_fill(mask.logical_not().unsqueeze(1), 0.0);
}

}  // namespace linformer::reference
