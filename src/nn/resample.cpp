#include "linformer/nn/resample.h"

#include <ATen/ATen.h>

namespace linformer {

at::Tensor stretch_last_dimension(const at::Tensor& tensor, int64_t size) {
  const int64_t old = tensor.size(-1);
  const double ratio = static_cast<double>(old) / static_cast<double>(size);
  const at::Tensor place = ((at::arange(size, at::kDouble) + 0.5) * ratio - 0.5)
                               .clamp(0.0, static_cast<double>(old - 1));
  const at::Tensor low = place.floor().to(at::kLong);
  const at::Tensor high = (low + 1).clamp_max(old - 1);
  const at::Tensor share = place - low.to(at::kDouble);
  const at::Tensor values = tensor.to(at::kDouble);
  return values.index_select(-1, low) * (1.0 - share) + values.index_select(-1, high) * share;
}

at::Tensor tile_last_dimension(const at::Tensor& tensor, int64_t size) {
  return tensor.index_select(-1, at::arange(size, at::kLong).remainder(tensor.size(-1)));
}

}  // namespace linformer
