#include "dropout.h"

#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "scale_kept.h"

namespace linformer::cuda {

at::Tensor scale_kept(const at::Tensor& input, const DropoutHash& hash) {
  const c10::cuda::CUDAGuard device(input.device());
  at::Tensor output = at::empty_like(input);
  cudaStream_t stream = c10::cuda::getCurrentCUDAStream().stream();
  AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "dropout_cuda", [&] {
    const int code = scale_kept(input.const_data_ptr<scalar_t>(), output.data_ptr<scalar_t>(),
                                input.numel(), hash, stream);
    C10_CUDA_CHECK(static_cast<cudaError_t>(code));
  });
  return output;
}

}  // namespace linformer::cuda
