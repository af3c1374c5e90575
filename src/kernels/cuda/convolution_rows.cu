#include <cuda_runtime.h>

#include "convolution_rows.h"
#include "elements.cuh"

namespace linformer::cuda {
namespace {

/// Whether position `i` of a sequence has a neighbour at this offset.
__device__ bool has_neighbour(const ConvolutionArguments& a, int64_t row, int64_t offset) {
  const int64_t i = row % a.length + offset;
  return i >= 0 && i < a.length;
}

template <class T, int N>
__global__ void convolve_kernel(ConvolutionArguments a) {
  using C = ComputeType<T>;
  const int64_t column = first_column<N>();
  if (column >= a.channels) return;
  const int64_t half = (a.width - 1) / 2;
  for (int64_t row = first_row(); row < a.sequences * a.length; row += row_step()) {
    C sums[N] = {};
    if (a.base != nullptr) read(static_cast<const T*>(a.base) + row * a.channels + column, sums);
    for (int64_t j = 0; j < a.width; ++j) {
      const int64_t offset = a.direction * (j - half);
      if (!has_neighbour(a, row, offset)) continue;
      C x[N];
      C tap[N];
      read(static_cast<const T*>(a.x) + (row + offset) * a.channels + column, x);
      read(static_cast<const C*>(a.taps) + j * a.channels + column, tap);
#pragma unroll
      for (int i = 0; i < N; ++i) sums[i] += tap[i] * x[i];
    }
    write(sums, static_cast<T*>(a.output) + row * a.channels + column);
  }
}

// Each layer of the grid handles one tap.
template <class T, int N>
__global__ void tap_gradients_kernel(ConvolutionArguments a) {
  using C = ComputeType<T>;
  const int64_t column = first_column<N>();
  const int64_t offset = static_cast<int64_t>(blockIdx.z) - (a.width - 1) / 2;
  C sums[N] = {};
  if (column < a.channels) {
    for (int64_t row = first_row(); row < a.sequences * a.length; row += row_step()) {
      if (!has_neighbour(a, row, offset)) continue;
      C x[N];
      C upstream[N];
      read(static_cast<const T*>(a.x) + (row + offset) * a.channels + column, x);
      read(static_cast<const T*>(a.upstream) + row * a.channels + column, upstream);
#pragma unroll
      for (int i = 0; i < N; ++i) sums[i] += upstream[i] * x[i];
    }
  }
  C* const to = static_cast<C*>(a.tap_sums) + (blockIdx.y * a.width + blockIdx.z) * a.channels;
  write_column_sums(sums, to, a.channels);
}

template <class T, int N>
void launch(const ConvolutionArguments& a, cudaStream_t stream) {
  const int64_t strips = row_strips(a.sequences * a.length, a.channels);
  dim3 grid = column_grid<N>(a.channels, strips);
  if (a.upstream == nullptr) {
    convolve_kernel<T, N><<<grid, column_block(), 0, stream>>>(a);
  } else {
    grid.z = static_cast<unsigned>(a.width);
    tap_gradients_kernel<T, N><<<grid, column_block(), 0, stream>>>(a);
  }
}

int launch(const ConvolutionArguments& a, void* stream) {
  if (a.channels == 0 || a.width == 0) return 0;
  with_type(a.type, [&](auto* null) {
    using T = std::remove_pointer_t<decltype(null)>;
    auto* const queue = static_cast<cudaStream_t>(stream);
    takes_packs(a.channels, a.base, a.x, a.taps, a.upstream, a.output) ? launch<T, kPack>(a, queue)
                                                                       : launch<T, 1>(a, queue);
  });
  return static_cast<int>(cudaGetLastError());
}

}  // namespace

int convolve_rows(const ConvolutionArguments& arguments, void* stream) {
  return launch(arguments, stream);
}

int sum_tap_gradients(const ConvolutionArguments& arguments, void* stream) {
  return launch(arguments, stream);
}

}  // namespace linformer::cuda
