#pragma once

#include <ATen/core/Tensor.h>

#include "../attention_kernels.h"
#include "../layer_norm_kernels.h"

#include "linformer/kernels/gelu.h"
#include "linformer/kernels/layer_norm.h"

/// Every operation composed of LibTorch's operations, which LibTorch differentiates. It serves
/// devices without an implementation of their own, and tests compare implementations with it.
/// Shapes and equations are those of the operations' headers.
namespace linformer::reference {

/// Under autocast, its two products are in the low type and the softmax in fp32.
at::Tensor attention(const AttentionInputs& inputs, const AttentionOptions& options);

/// Computed as W shifted products. `weight` (C, 1, W).
at::Tensor depthwise_convolution(const at::Tensor& base, const at::Tensor& x,
                                 const at::Tensor& weight);

/// The scale 1 / (1 - probability) or 0 of these elements (int64, any shape) of a site. It has the
/// same bits as DropoutHash, computed by integer operations on tensors.
at::Tensor dropout_scale(const at::Tensor& elements, const at::TensorOptions& options,
                         const DropoutSite& site);

/// The same for every element of a contiguous tensor of these sizes.
at::Tensor dropout_scale(at::IntArrayRef sizes, const at::TensorOptions& options,
                         const DropoutSite& site);

at::Tensor scale_kept(const at::Tensor& x, const DropoutSite& site, const at::Tensor& rows);

/// The elements of rows (R) of a tensor with `width` columns: (R, width).
at::Tensor row_elements(const at::Tensor& rows, int64_t width);

at::Tensor bias_gelu(const at::Tensor& x, const at::Tensor& bias, GeluForm form);

/// Losses of the rows (M). The logits (M, V) exist as a whole; under autocast, their product is in
/// the low type. `best`, if not null, becomes the word with the largest logit of each row (M).
at::Tensor cross_entropy_rows(const at::Tensor& hidden, const at::Tensor& weight,
                              const at::Tensor& bias, const at::Tensor& labels, at::Tensor* best);

/// RowKernels (packed_rows_kernels.h).
void place_rows(const at::Tensor& x, const at::Tensor& index, at::Tensor target);
at::Tensor keep_rows(const at::Tensor& x, const at::Tensor& mask);

at::Tensor weight_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

ResidualNorm residual_norm(const NormInputs& inputs, const NormOptions& options);

}  // namespace linformer::reference
