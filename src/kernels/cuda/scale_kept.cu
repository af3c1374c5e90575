#include <algorithm>

#include <cuda_runtime.h>

#include "scale_kept.h"

namespace linformer::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = 132 * 16;  // more blocks than a large device runs at a time

template <class T>
__global__ void scale_kept_kernel(const T* in, T* out, int64_t count, RowNumbers rows,
                                  DropoutHash given) {
  const DropoutHash hash = given.with_stored_key();
  const T scale = static_cast<T>(hash.scale());
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    const T factor = hash.keeps(static_cast<uint32_t>(rows.element(i))) ? scale : T(0);
    out[i] = in[i] * factor;
  }
}

template <class T>
int launch(const T* in, T* out, int64_t count, const RowNumbers& rows, const DropoutHash& hash,
           void* stream) {
  if (count == 0) return 0;
  const int64_t blocks = std::min<int64_t>((count + kThreads - 1) / kThreads, kMaxBlocks);
  scale_kept_kernel<T>
      <<<static_cast<unsigned>(blocks), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
          in, out, count, rows, hash);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace

int scale_kept(const float* in, float* out, int64_t count, const RowNumbers& rows,
               const DropoutHash& hash, void* stream) {
  return launch(in, out, count, rows, hash, stream);
}

int scale_kept(const double* in, double* out, int64_t count, const RowNumbers& rows,
               const DropoutHash& hash, void* stream) {
  return launch(in, out, count, rows, hash, stream);
}

}  // namespace linformer::cuda
