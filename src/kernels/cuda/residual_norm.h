#pragma once

#include "../dropout_hash.h"
#include "elements.h"

namespace linformer::cuda {

/// Pointers to memory of the current device. x and dx are of type `x_type`; y and dy are of
/// `norm_type`; all other elements are float, or double if x is double. Null: absent.
struct ResidualNormArguments {
  ElementType x_type = ElementType::kFloat;
  ElementType norm_type = ElementType::kFloat;  ///< double exactly where x_type is
  int64_t rows = 0;
  int64_t width = 0;
  double epsilon = 0.0;
  bool centred = true;  ///< LayerNorm; RMSNorm has no mean
  DropoutHash hash{0.0, 0};
  const int64_t* site_rows = nullptr;  ///< (rows), the rows of the dropout site; null: 0, 1, ...

  const void* weight = nullptr;  ///< (width)

  // Forward pass.
  const void* x = nullptr;         ///< (rows, width)
  const void* bias = nullptr;      ///< (width)
  const void* residual = nullptr;  ///< (rows, width)
  const void* shift = nullptr;     ///< (width)
  void* normalized = nullptr;      ///< (rows, width): y

  // Written by the forward pass, read by the backward pass.
  void* sum = nullptr;             ///< (rows, width): s
  void* mean = nullptr;            ///< (rows)
  void* inverse_stddev = nullptr;  ///< (rows)

  // Backward pass.
  const void* grad_sum = nullptr;         ///< (rows, width)
  const void* grad_normalized = nullptr;  ///< (rows, width): dy
  void* grad_residual = nullptr;          ///< (rows, width): ds
  void* grad_x = nullptr;                 ///< (rows, width): dx; null: it equals ds
  void* column_sums = nullptr;  ///< (row_strips(rows, width), 3, width): of weight, shift, bias
};

/// The equations of NormKernels (layer_norm_kernels.h), one warp per row. Queued on `stream` (a
/// cudaStream_t). Returns CUDA's error code of the launch, 0 for success.
int residual_norm_forward(const ResidualNormArguments& arguments, void* stream);

/// Gradients of the rows, and for each strip of rows the gradient sums of weight, shift and bias.
int residual_norm_backward(const ResidualNormArguments& arguments, void* stream);

}  // namespace linformer::cuda
