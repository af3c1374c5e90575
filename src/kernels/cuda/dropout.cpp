#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "../saved_site.h"
#include "kernels.h"
#include "scale_kept.h"

namespace linformer::cuda {
namespace {

at::Tensor scale_kept_of(const at::Tensor& x, const DropoutSite& site, const at::Tensor& rows) {
  const DropoutHash hash = hash_of(site);
  const c10::cuda::CUDAGuard device(x.device());
  at::Tensor output = at::empty_like(x);
  cudaStream_t stream = c10::cuda::getCurrentCUDAStream().stream();
  const RowNumbers numbers{rows.defined() ? rows.const_data_ptr<int64_t>() : nullptr,
                           rows.defined() ? x.size(1) : 1};
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "dropout_cuda", [&] {
    const int code = scale_kept(x.const_data_ptr<scalar_t>(), output.data_ptr<scalar_t>(),
                                x.numel(), numbers, hash, stream);
    C10_CUDA_CHECK(static_cast<cudaError_t>(code));
  });
  return output;
}

}  // namespace

const DropoutKernels dropout_kernels{scale_kept_of};

}  // namespace linformer::cuda
