#pragma once

#include <cstdint>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "elements.h"

/// Shared by the kernels: number types, packs of neighbouring elements, sums over rows.
namespace linformer::cuda {

/// The type that a kernel computes in for elements of type T.
template <class T>
struct ComputeTypeOf {
  using type = float;
};
template <>
struct ComputeTypeOf<double> {
  using type = double;
};
template <class T>
using ComputeType = typename ComputeTypeOf<T>::type;

/// Neighbouring elements that one thread reads and writes together.
template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  T values[N];
};

template <int N, class T>
__device__ void read(const T* from, ComputeType<T> (&values)[N]) {
  const auto pack = *reinterpret_cast<const Pack<T, N>*>(from);
#pragma unroll
  for (int i = 0; i < N; ++i) values[i] = static_cast<ComputeType<T>>(pack.values[i]);
}

template <int N, class T>
__device__ void write(const ComputeType<T> (&values)[N], T* to) {
  Pack<T, N> pack;
#pragma unroll
  for (int i = 0; i < N; ++i) pack.values[i] = static_cast<T>(values[i]);
  *reinterpret_cast<Pack<T, N>*>(to) = pack;
}

/// Calls `function` with a null pointer of the element type.
template <class Function>
void with_type(ElementType type, const Function& function) {
  switch (type) {
    case ElementType::kFloat:
      return function(static_cast<float*>(nullptr));
    case ElementType::kDouble:
      return function(static_cast<double*>(nullptr));
    case ElementType::kBf16:
      return function(static_cast<__nv_bfloat16*>(nullptr));
    case ElementType::kFp16:
      return function(static_cast<__half*>(nullptr));
  }
}

constexpr int kPack = 4;

/// Whether rows of `width` elements at these addresses (null: absent) can be read in packs of kPack
/// elements.
template <class... Pointers>
bool takes_packs(int64_t width, Pointers... pointers) {
  constexpr uintptr_t kAlignment = kPack * sizeof(double);
  return width % kPack == 0 && ((reinterpret_cast<uintptr_t>(pointers) % kAlignment == 0) && ...);
}

/// The block of a kernel that sums columns over rows: kColumnLanes packs of columns, and kRowLanes
/// rows at a time. column_grid() gives the grid.
constexpr int kColumnLanes = 32;
constexpr int kRowLanes = 8;

inline dim3 column_block() {
  return dim3(kColumnLanes, kRowLanes);
}

template <int N>
dim3 column_grid(int64_t width, int64_t strips) {
  const int64_t columns = (width + N * kColumnLanes - 1) / (N * kColumnLanes);
  return dim3(static_cast<unsigned>(columns), static_cast<unsigned>(strips));
}

/// First of the thread's N columns; width or more if the thread has none.
template <int N>
__device__ int64_t first_column() {
  return (static_cast<int64_t>(blockIdx.x) * kColumnLanes + threadIdx.x) * N;
}

/// The thread's rows are first_row(), first_row() + row_step(), ...
__device__ inline int64_t first_row() {
  return static_cast<int64_t>(blockIdx.y) * kRowLanes + threadIdx.y;
}
__device__ inline int64_t row_step() {
  return static_cast<int64_t>(gridDim.y) * kRowLanes;
}

/// Adds up the sums of a block's row lanes and writes the block's sums of its columns, always in
/// the same order. All threads of the block call it. `to`: the row of this strip.
template <int N, class T>
__device__ void write_column_sums(const T (&sums)[N], T* to, int64_t width) {
  __shared__ T shared[kRowLanes][kColumnLanes * N];
  const int lane = static_cast<int>(threadIdx.x) * N;
  __syncthreads();  // waits for readers of the values of an earlier call
#pragma unroll
  for (int i = 0; i < N; ++i) shared[threadIdx.y][lane + i] = sums[i];
  __syncthreads();
  const int64_t column = first_column<N>();
  if (threadIdx.y != 0 || column >= width) return;
#pragma unroll
  for (int i = 0; i < N; ++i) {
    T total = 0;
    for (int row = 0; row < kRowLanes; ++row) total += shared[row][lane + i];
    to[column + i] = total;
  }
}

}  // namespace linformer::cuda
