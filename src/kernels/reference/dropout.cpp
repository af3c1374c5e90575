#include "linformer/kernels/dropout.h"

#include <ATen/ATen.h>

#include "../saved_site.h"
#include "kernels.h"

namespace linformer::reference {
namespace {

constexpr int64_t kLow32 = 0xffffffff;

/// The low 32 bits of x * factor for 0 <= x < 2^32, in 64-bit integers. The factor's halves are
/// multiplied separately, so that nothing overflows.
at::Tensor multiply_32(const at::Tensor& x, int64_t factor) {
  const at::Tensor high = (x * (factor >> 16)).bitwise_and_(0xffff);
  return (x * (factor & 0xffff)).add_(high.mul_(1 << 16)).bitwise_and_(kLow32);
}

at::Tensor xor_shifted(const at::Tensor& x, int64_t bits) {
  return x.bitwise_xor(x.bitwise_right_shift(bits));
}

}  // namespace

at::Tensor dropout_scale(const at::Tensor& elements, const at::TensorOptions& options,
                         const DropoutSite& site) {
  const at::NoGradGuard no_grad;
  const DropoutHash hash = hash_of(site);
  // (1) int64 on the device, whose 64 bits are the key.
  const at::Tensor key =
      site.stored_key == nullptr
          ? at::full({1}, static_cast<int64_t>(site.key), elements.options())
          : at::from_blob(const_cast<int64_t*>(site.stored_key), {1}, elements.options());
  at::Tensor x = elements.bitwise_and(kLow32);
  x = xor_shifted(x.bitwise_xor_(key.bitwise_and(kLow32)), 16);
  x = multiply_32(x, 0x7feb352d);
  x = xor_shifted(x, 15).bitwise_xor_(key.bitwise_right_shift(32).bitwise_and_(kLow32));
  x = multiply_32(x, 0x846ca68b);
  x = xor_shifted(x, 16);
  return x.ge(static_cast<int64_t>(hash.threshold())).to(options).mul_(hash.scale());
}

at::Tensor dropout_scale(at::IntArrayRef sizes, const at::TensorOptions& options,
                         const DropoutSite& site) {
  int64_t count = 1;
  for (const int64_t size : sizes) count *= size;
  return dropout_scale(at::arange(count, options.dtype(at::kLong)), options, site).view(sizes);
}

at::Tensor row_elements(const at::Tensor& rows, int64_t width) {
  return rows.unsqueeze(1) * width + at::arange(width, rows.options()).unsqueeze(0);
}

at::Tensor scale_kept(const at::Tensor& x, const DropoutSite& site, const at::Tensor& rows) {
  if (rows.defined()) {
    return x * dropout_scale(row_elements(rows, x.size(1)), x.options(), site);
  }
  return x * dropout_scale(x.sizes(), x.options(), site);
}

}  // namespace linformer::reference
