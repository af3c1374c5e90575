#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "linformer/kernels/dropout.h"

namespace linformer {

/// The inputs of bias_dropout_residual_layer_norm() (linformer/kernels/layer_norm.h).
struct NormInputs {
  at::Tensor x;         ///< (R, C)
  at::Tensor bias;      ///< (C); undefined = none
  at::Tensor residual;  ///< (R, C); undefined = none
  at::Tensor weight;    ///< (C)
  at::Tensor shift;     ///< (C); undefined = RMSNorm
  at::Tensor rows;      ///< (R) int64, the rows of the dropout site; undefined = 0, 1, ..., R - 1
};

struct NormOptions {
  double epsilon = 0.0;
  DropoutSite dropout;
  /// The type of y, bf16 or fp16; only if NormKernels::takes_low. Otherwise y has the type of s.
  std::optional<at::ScalarType> low_norm;
};

struct NormResult {
  at::Tensor sum;             ///< (R, C): s
  at::Tensor normalized;      ///< (R, C): y
  at::Tensor mean;            ///< (R): mean(s), 0 for RMSNorm
  at::Tensor inverse_stddev;  ///< (R): 1 / sqrt(mean((s - mean)^2) + epsilon)
};

/// The inputs of a norm's backward pass.
struct NormBackwardInputs {
  at::Tensor sum, mean, inverse_stddev;  // of the forward pass
  at::Tensor weight;
  at::Tensor grad_sum;                 // (R, C); undefined = zero
  at::Tensor grad_normalized;          // (R, C); undefined = zero
  at::ScalarType x_type = at::kFloat;  // of the gradient of x
  bool centred = true;                 // LayerNorm; RMSNorm has no mean
  at::Tensor rows;                     // of the forward pass
  DropoutSite dropout;
};

struct NormGradients {
  at::Tensor x, residual;          ///< (R, C); one tensor if there is no dropout
  at::Tensor bias, weight, shift;  ///< (C), whether or not the forward pass had them
};

/// A device's sublayer tail. All tensors are contiguous and of one type, float or double.
///
///   s = residual + dropout(x + bias);   y = (s - mean) * inverse_stddev * weight + shift
///
/// Element rows[r] * C + c of the dropout site decides whether x_rc is kept.
struct NormKernels {
  NormResult (*forward)(const NormInputs& inputs, const NormOptions& options);

  /// With n = (s - mean) * inverse_stddev and g = dy * weight:
  ///
  ///   ds = inverse_stddev * (g - mean(g) - n * mean(g * n)) + grad_sum, mean(g) = 0 for RMSNorm
  ///   dx = dropout(ds);   dbias = sum dx;   dweight = sum dy * n;   dshift = sum dy, over the rows
  NormGradients (*backward)(const NormBackwardInputs& inputs);

  /// x may be bf16 or fp16; y too if NormOptions::low_norm says so. All else is float then.
  bool takes_low = false;
};

}  // namespace linformer
