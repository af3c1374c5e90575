#pragma once

#include "../attention_kernels.h"
#include "../depthwise_convolution_kernels.h"
#include "../dropout_kernels.h"
#include "../gelu_kernels.h"
#include "../layer_norm_kernels.h"
#include "../linear_cross_entropy_kernels.h"
#include "../packed_rows_kernels.h"
#include "../weight_product_kernels.h"

/// The CPU's implementations: loops over contiguous memory, split over ATen's threads.
namespace linformer::cpu {

extern const AttentionKernels attention_kernels;
extern const ConvolutionKernels convolution_kernels;
extern const DropoutKernels dropout_kernels;
extern const GeluKernels gelu_kernels;
extern const LossKernels loss_kernels;
extern const NormKernels norm_kernels;
extern const ProductKernels product_kernels;
extern const RowKernels row_kernels;

}  // namespace linformer::cpu
