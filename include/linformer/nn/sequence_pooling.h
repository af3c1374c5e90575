#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

/// The projections of arXiv 2006.04768, section 4 ("general projections") that are not a dense
/// matrix: windows of w = n / k positions become one row each.
///
///   x       (B, N, C), N <= n = k * w
///   mask    (B, N) bool, true = token; undefined = no padding. Padded rows of x are never read.
///   returns (B, k, C); a window without a token gives a row of zeros

/// y_i = mean of the window's tokens.
at::Tensor mean_pool_sequence(const at::Tensor& x, const at::Tensor& mask, int64_t k,
                              int64_t window);

/// y_i = largest value of the window's tokens, channel by channel.
at::Tensor max_pool_sequence(const at::Tensor& x, const at::Tensor& mask, int64_t k,
                             int64_t window);

/// Convolution with kernel = stride = w and no bias; padded rows of x have to be zero.
///
///   weight (C, 1, w)  y_ic = sum_j weight_c0j x_(iw + j)c
///          (C, D, w)  the same, summed over the D channels of the head that c belongs to
at::Tensor convolve_sequence(const at::Tensor& x, const at::Tensor& weight, int64_t k);

/// (B, k, 1), 1 where a window has a token, else 0, in the type of `options`' tensor.
at::Tensor windows_with_tokens(const at::Tensor& mask, int64_t batch, int64_t length, int64_t k,
                               int64_t window, const at::TensorOptions& options);

}  // namespace linformer
