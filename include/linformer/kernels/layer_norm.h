#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/kernels/dropout.h"

namespace linformer {

struct ResidualNorm {
  at::Tensor sum;         ///< residual + dropout(x + bias), the residual stream of pre-norm layers
  at::Tensor normalized;  ///< LayerNorm(sum)
};

/// The consumers of the normalised rows. If only matrix products read them, a device may return
/// them in the low type that products use under mixed precision, which saves a cast before each
/// product.
enum class NormReaders { kAny, kProducts };

/// The tail of every sublayer in one pass: bias, dropout, residual, LayerNorm (Ba et al. 2016).
///
///   s = residual + dropout(x + bias);   y = (s - mean(s)) / sqrt(var(s) + epsilon) * weight +
///   shift
///
///   x, residual (R, C) float or double, contiguous;  bias, weight, shift (C)
///   `bias` and `residual` may be undefined (absent). Without `shift` it is RMSNorm (Zhang,
///   Sennrich 2019): y = s / sqrt(mean(s^2) + epsilon) * weight.
///   `rows`  (R) int64: the rows of a larger x that these are, which decide what dropout keeps;
///           undefined = 0, 1, ..., R - 1
ResidualNorm bias_dropout_residual_layer_norm(const at::Tensor& x, const at::Tensor& bias,
                                              const at::Tensor& residual, const at::Tensor& weight,
                                              const at::Tensor& shift, double epsilon,
                                              const DropoutSite& site,
                                              NormReaders readers = NormReaders::kAny,
                                              const at::Tensor& rows = {});

/// LayerNorm of the rows of x (R, C); RMSNorm where `shift` is undefined.
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& shift,
                      double epsilon, NormReaders readers = NormReaders::kAny);

}  // namespace linformer
