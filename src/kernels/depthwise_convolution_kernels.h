#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

struct ConvolutionGradients {
  at::Tensor x;     ///< (B, N, C)
  at::Tensor taps;  ///< (W, C)
};

/// A device's depthwise convolution along the sequence, zeros outside of it:
///
///   y[b, i, c] = base[b, i, c] + sum_j taps[j, c] * x[b, i + j - (W - 1) / 2, c]
///
///   base, x (B, N, C);  taps (W, C), the weight with its channels last, W odd. All contiguous,
///   float or double.
struct ConvolutionKernels {
  at::Tensor (*forward)(const at::Tensor& base, const at::Tensor& x, const at::Tensor& taps);

  /// `upstream` (B, N, C) is the gradient of y, which is also that of the base.
  ConvolutionGradients (*backward)(const at::Tensor& x, const at::Tensor& taps,
                                   const at::Tensor& upstream);

  bool takes_low = false;  ///< all but the taps may be of one type bf16 or fp16
};

}  // namespace linformer
