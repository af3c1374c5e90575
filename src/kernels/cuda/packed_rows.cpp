#include "device_memory.h"
#include "kernels.h"
#include "move_rows.h"

namespace linformer::cuda {
namespace {

RowsToMove rows_of(const at::Tensor& from, const at::Tensor& to) {
  return {from.const_data_ptr(), to.data_ptr(), from.size(0), from.size(1) * from.element_size()};
}

void place(const at::Tensor& x, const at::Tensor& index, const at::Tensor& target) {
  const c10::cuda::CUDAGuard device(x.device());
  C10_CUDA_CHECK(
      static_cast<cudaError_t>(place_rows(rows_of(x, target), index.const_data_ptr<int64_t>(),
                                          c10::cuda::getCurrentCUDAStream().stream())));
}

at::Tensor keep(const at::Tensor& x, const at::Tensor& mask) {
  const c10::cuda::CUDAGuard device(x.device());
  at::Tensor kept = at::empty_like(x);
  C10_CUDA_CHECK(static_cast<cudaError_t>(keep_rows(rows_of(x, kept), mask.const_data_ptr<bool>(),
                                                    c10::cuda::getCurrentCUDAStream().stream())));
  return kept;
}

}  // namespace

const RowKernels row_kernels{place, keep};

}  // namespace linformer::cuda
