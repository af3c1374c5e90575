#pragma once

#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "elements.h"

/// Conversion of tensors into the arguments of launch functions.
namespace linformer::cuda {

inline ElementType element_type(const at::Tensor& x) {
  switch (x.scalar_type()) {
    case at::kFloat:
      return ElementType::kFloat;
    case at::kDouble:
      return ElementType::kDouble;
    case at::kBFloat16:
      return ElementType::kBf16;
    case at::kHalf:
      return ElementType::kFp16;
    default:
      TORCH_CHECK(false, "a kernel for CUDA was given elements of type ", x.scalar_type());
  }
}

/// The type in which kernels compute, which is also that of biases, weights and sums.
inline at::TensorOptions compute_options(const at::Tensor& x) {
  return x.options().dtype(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
}

inline at::Tensor contiguous(const at::Tensor& x) {
  return x.defined() ? x.contiguous() : x;
}

inline const void* read_only(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr() : nullptr;
}

/// Calls a launch function on the stream of the device of `x`, and throws if CUDA reports an error.
template <class Launch, class Arguments>
void launch_on(const at::Tensor& x, Launch launch, const Arguments& arguments) {
  const c10::cuda::CUDAGuard device(x.device());
  const int code = launch(arguments, c10::cuda::getCurrentCUDAStream().stream());
  C10_CUDA_CHECK(static_cast<cudaError_t>(code));
}

}  // namespace linformer::cuda
