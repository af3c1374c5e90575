#pragma once

#include "../attention_kernels.h"
#include "../depthwise_convolution_kernels.h"
#include "../dropout_kernels.h"
#include "../gelu_kernels.h"
#include "../layer_norm_kernels.h"
#include "../linear_cross_entropy_kernels.h"
#include "../packed_rows_kernels.h"

/// CUDA's implementations, on the current stream. Only in builds with CUDA.
namespace linformer::cuda {

extern const AttentionKernels attention_kernels;
extern const ConvolutionKernels convolution_kernels;
extern const DropoutKernels dropout_kernels;
extern const GeluKernels gelu_kernels;
extern const LossKernels loss_kernels;
extern const NormKernels norm_kernels;
extern const RowKernels row_kernels;

}  // namespace linformer::cuda
