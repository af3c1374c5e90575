#include "linformer/nn/project_sequence.h"

#include <ATen/ATen.h>

#include "linformer/kernels/mixed_precision.h"

namespace linformer {

at::Tensor project_sequence(const at::Tensor& projection, const at::Tensor& x) {
  const int64_t batch = x.size(0);
  const int64_t length = x.size(1);
  const at::Tensor matrix = cast_weight(projection).narrow(-1, 0, length);
  if (matrix.dim() == 2) return at::bmm(matrix.expand({batch, -1, -1}), x);
  const int64_t heads = matrix.size(0);
  const at::Tensor x_BHND = x.reshape({batch, length, heads, -1}).transpose(1, 2);
  const at::Tensor y_BHKD = at::matmul(matrix.unsqueeze(0), x_BHND);
  return y_BHKD.transpose(1, 2).reshape({batch, matrix.size(1), -1});
}

at::Tensor project_bias(const at::Tensor& projection, const at::Tensor& mask, int64_t length,
                        const at::Tensor& bias) {
  const int64_t heads = projection.dim() == 3 ? projection.size(0) : 1;
  const at::Tensor valid_BN =
      mask.defined() ? mask.to(bias.scalar_type()) : at::ones({1, length}, bias.options());
  const at::Tensor sums_BKH =
      project_sequence(projection, valid_BN.unsqueeze(-1).expand({-1, -1, heads}).contiguous());
  return (sums_BKH.unsqueeze(-1) * bias.reshape({heads, bias.size(0) / heads})).flatten(2);
}

at::Tensor rescale_rows(const at::Tensor& projection, const at::Tensor& mask, int64_t length,
                        const at::Tensor& projected) {
  const AutocastScope own_types{MixedPrecision()};  // norms are never computed in a low type
  const int64_t heads = projection.dim() == 3 ? projection.size(0) : 1;
  const at::Tensor valid_BN = mask.defined() ? mask.to(projection.scalar_type())
                                             : at::ones({1, length}, projection.options());
  const at::Tensor squares = projection * projection;
  const at::Tensor valid_BKH =
      project_sequence(squares, valid_BN.unsqueeze(-1).expand({-1, -1, heads}).contiguous());
  const at::Tensor all_KH = squares.sum(-1).view({heads, -1}).t();
  // A row of zeros must not come under the root: the derivative there is infinite.
  const at::Tensor empty = valid_BKH.eq(0.0);
  const at::Tensor scale_BKH =
      (all_KH / valid_BKH.masked_fill(empty, 1.0)).masked_fill(empty, 1.0).sqrt();
  const at::Tensor scale = scale_BKH.masked_fill(empty, 0.0).unsqueeze(-1);
  const auto shape = projected.sizes();
  return (projected.view({shape[0], shape[1], heads, -1}) * scale).flatten(2);
}

}  // namespace linformer
