#include "linformer/nn/sequence_pooling.h"

#include <limits>

#include <ATen/ATen.h>

#include "linformer/nn/linear.h"

namespace linformer {
namespace {

/// Rows of `x` (B, N, C) as windows (B, m, w, C), m = ceil(N / w), filled up with `filler`.
at::Tensor windows_of(const at::Tensor& x, int64_t window, double filler) {
  const int64_t length = x.size(1);
  const int64_t count = (length + window - 1) / window;
  const at::Tensor full = count * window == length
                              ? x
                              : at::constant_pad_nd(x, {0, 0, 0, count * window - length}, filler);
  return full.reshape({x.size(0), count, window, x.size(2)});
}

/// Adds rows of zeros up to k.
at::Tensor fill_rows(const at::Tensor& y, int64_t k) {
  return y.size(1) == k ? y : at::constant_pad_nd(y, {0, 0, 0, k - y.size(1)}, 0.0);
}

/// Tokens of each window: (B or 1, m, 1).
at::Tensor tokens_per_window(const at::Tensor& mask, int64_t length, int64_t window,
                             const at::TensorOptions& options) {
  const at::Tensor valid = mask.defined() ? mask.to(options) : at::ones({1, length}, options);
  return windows_of(valid.unsqueeze(-1), window, 0.0).sum(2);
}

}  // namespace

at::Tensor mean_pool_sequence(const at::Tensor& x, const at::Tensor& mask, int64_t k,
                              int64_t window) {
  const at::Tensor counts = tokens_per_window(mask, x.size(1), window, x.options());
  const at::Tensor sums = windows_of(select_valid(x, mask, 0.0), window, 0.0).sum(2);
  return fill_rows(sums / counts.clamp_min(1.0), k);
}

at::Tensor max_pool_sequence(const at::Tensor& x, const at::Tensor& mask, int64_t k,
                             int64_t window) {
  constexpr double kLowest = -std::numeric_limits<double>::infinity();
  const at::Tensor counts = tokens_per_window(mask, x.size(1), window, x.options());
  const at::Tensor largest =
      std::get<0>(windows_of(select_valid(x, mask, kLowest), window, kLowest).max(2));
  return fill_rows(largest.masked_fill(counts.eq(0.0), 0.0), k);
}

at::Tensor convolve_sequence(const at::Tensor& x, const at::Tensor& weight, int64_t k) {
  const int64_t window = weight.size(2);
  const int64_t mixed = weight.size(1);  // input channels per output channel
  const at::Tensor x_BMWC = windows_of(x, window, 0.0);
  if (mixed == 1) {
    const at::Tensor taps_WC = weight.squeeze(1).t();
    return fill_rows((x_BMWC * taps_WC).sum(2), k);
  }
  const int64_t heads = x.size(2) / mixed;
  const int64_t rows = x_BMWC.size(1);
  // One matrix product per head: (B m, w D) times (w D, D).
  const at::Tensor x_HRI = x_BMWC.view({x.size(0), rows, window, heads, mixed})
                               .permute({3, 0, 1, 2, 4})
                               .reshape({heads, x.size(0) * rows, window * mixed});
  const at::Tensor weight_HIO = weight.view({heads, mixed, mixed, window})
                                    .permute({0, 3, 2, 1})
                                    .reshape({heads, window * mixed, mixed});
  const at::Tensor y_HRO = at::bmm(x_HRI, weight_HIO);
  const at::Tensor y_BMC = y_HRO.transpose(0, 1).reshape({x.size(0), rows, x.size(2)});
  return fill_rows(y_BMC, k);
}

at::Tensor windows_with_tokens(const at::Tensor& mask, int64_t batch, int64_t length, int64_t k,
                               int64_t window, const at::TensorOptions& options) {
  const at::Tensor counts = tokens_per_window(mask, length, window, options);
  return fill_rows(counts.clamp_max(1.0).expand({batch, -1, -1}), k);
}

}  // namespace linformer
