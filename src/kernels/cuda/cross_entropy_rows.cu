#include <cuda_runtime.h>

#include "../log_sum.h"
#include "cross_entropy_rows.h"
#include "elements.cuh"
#include "warp.cuh"

namespace linformer::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarpsOfRow = kThreads / kWarp;

/// The sum over the threads of the block, on every thread, always joined in the same order.
template <class C>
__device__ LogSum<C> sum_of_block(LogSum<C> part) {
  // Not LogSum: shared memory has no constructors.
  __shared__ C largest[kWarpsOfRow];
  __shared__ C sum[kWarpsOfRow];
  __shared__ int64_t place[kWarpsOfRow];
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    const LogSum<C> other{__shfl_xor_sync(0xffffffffU, part.largest, offset),
                          __shfl_xor_sync(0xffffffffU, part.sum, offset),
                          static_cast<int64_t>(__shfl_xor_sync(
                              0xffffffffU, static_cast<long long>(part.place), offset))};
    part = joined(part, other);
  }
  if (threadIdx.x % kWarp == 0) {
    largest[threadIdx.x / kWarp] = part.largest;
    sum[threadIdx.x / kWarp] = part.sum;
    place[threadIdx.x / kWarp] = part.place;
  }
  __syncthreads();
  LogSum<C> whole;
  for (int warp = 0; warp < kWarpsOfRow; ++warp) {
    whole = joined(whole, LogSum<C>{largest[warp], sum[warp], place[warp]});
  }
  return whole;
}

template <class T, int N>
__global__ void rows_kernel(CrossEntropyRowsArguments a) {
  using C = ComputeType<T>;
  const auto row = static_cast<int64_t>(blockIdx.x);
  T* const logits = static_cast<T*>(a.logits) + row * a.vocabulary;
  const auto* const bias = static_cast<const C*>(a.bias);
  LogSum<C> own;
  for (int64_t v = static_cast<int64_t>(threadIdx.x) * N; v < a.vocabulary; v += kThreads * N) {
    C z[N];
    C offset[N];
    read(logits + v, z);
    read(bias + v, offset);
#pragma unroll
    for (int i = 0; i < N; ++i) own = joined(own, LogSum<C>::of(z[i] + offset[i], v + i));
  }
  const LogSum<C> whole = sum_of_block(own);
  const C log_sum = whole.value();
  const int64_t label = a.labels[row];
  const bool ignored = label < 0;  // kIgnoredLabel
  if (threadIdx.x == 0) {
    static_cast<C*>(a.losses)[row] =
        ignored ? C(0) : log_sum - (static_cast<C>(logits[label]) + bias[label]);
    // All are NaN: any place.
    if (a.best != nullptr) a.best[row] = whole.place < a.vocabulary ? whole.place : 0;
  }
  if (!a.gradients) return;
  __syncthreads();  // the label's logit has been read
  for (int64_t v = static_cast<int64_t>(threadIdx.x) * N; v < a.vocabulary; v += kThreads * N) {
    C z[N];
    C offset[N];
    read(logits + v, z);
    read(bias + v, offset);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const C probability = exp(z[i] + offset[i] - log_sum);
      z[i] = ignored ? C(0) : probability - (v + i == label ? C(1) : C(0));
    }
    write(z, logits + v);
  }
}

template <class T, int N>
void launch(const CrossEntropyRowsArguments& a, cudaStream_t stream) {
  rows_kernel<T, N><<<static_cast<unsigned>(a.rows), kThreads, 0, stream>>>(a);
}

}  // namespace

int cross_entropy_rows(const CrossEntropyRowsArguments& a, void* stream) {
  if (a.rows == 0) return 0;
  with_type(a.type, [&](auto* null) {
    using T = std::remove_pointer_t<decltype(null)>;
    auto* const queue = static_cast<cudaStream_t>(stream);
    takes_packs(a.vocabulary, a.logits, a.bias) ? launch<T, kPack>(a, queue)
                                                : launch<T, 1>(a, queue);
  });
  return static_cast<int>(cudaGetLastError());
}

}  // namespace linformer::cuda
