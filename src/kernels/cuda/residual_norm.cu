#include <cuda_runtime.h>

#include "elements.cuh"
#include "residual_norm.h"
#include "warp.cuh"

namespace linformer::cuda {
namespace {

constexpr size_t kSharedBytes = 48 * 1024;

template <class C, int N>
__device__ void drop(C (&values)[N], const DropoutHash& hash, int64_t first) {
  const C scale = static_cast<C>(hash.scale());
#pragma unroll
  for (int i = 0; i < N; ++i) {
    values[i] *= hash.keeps(static_cast<uint32_t>(first + i)) ? scale : C(0);
  }
}

/// The element of the dropout site at which a row begins.
__device__ int64_t first_element(const ResidualNormArguments& a, int64_t row) {
  return (a.site_rows == nullptr ? row : a.site_rows[row]) * a.width;
}

/// Writes s of the columns of this lane into `s`, and returns their sum.
template <class T, int N>
__device__ ComputeType<T> add_residual(const ResidualNormArguments& a, int64_t row,
                                       ComputeType<T>* s) {
  using C = ComputeType<T>;
  const auto* x = static_cast<const T*>(a.x) + row * a.width;
  const auto* bias = static_cast<const C*>(a.bias);
  const auto* residual = static_cast<const C*>(a.residual);
  const DropoutHash hash = a.hash.with_stored_key();
  const int64_t first = first_element(a, row);
  C total = 0;
  for (int64_t c = threadIdx.x * N; c < a.width; c += kWarp * N) {
    C values[N];
    C more[N];
    read(x + c, values);
    if (bias != nullptr) {
      read(bias + c, more);
#pragma unroll
      for (int i = 0; i < N; ++i) values[i] += more[i];
    }
    if (hash.active()) drop(values, hash, first + c);
    if (residual != nullptr) {
      read(residual + row * a.width + c, more);
#pragma unroll
      for (int i = 0; i < N; ++i) values[i] += more[i];
    }
#pragma unroll
    for (int i = 0; i < N; ++i) total += values[i];
    write(values, static_cast<C*>(a.sum) + row * a.width + c);
    write(values, s + c);
  }
  return sum_of_warp(total);
}

// A row's sums are kept in shared memory if they fit; a lane reads only what it wrote itself.
template <class T, class Y, int N, bool kShared>
__global__ void forward_kernel(ResidualNormArguments a) {
  using C = ComputeType<T>;
  extern __shared__ double shared[];
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.y;
  if (row >= a.rows) return;
  C* s = kShared ? reinterpret_cast<C*>(shared) + threadIdx.y * a.width
                 : static_cast<C*>(a.sum) + row * a.width;
  const C total = add_residual<T, N>(a, row, s);
  const C width = static_cast<C>(a.width);
  const C mean = a.centred ? total / width : C(0);
  C squares = 0;
  for (int64_t c = threadIdx.x * N; c < a.width; c += kWarp * N) {
    C values[N];
    read(s + c, values);
#pragma unroll
    for (int i = 0; i < N; ++i) squares += (values[i] - mean) * (values[i] - mean);
  }
  const C inverse = C(1) / sqrt(sum_of_warp(squares) / width + static_cast<C>(a.epsilon));
  for (int64_t c = threadIdx.x * N; c < a.width; c += kWarp * N) {
    C values[N];
    C weight[N];
    C shift[N] = {};
    read(s + c, values);
    read(static_cast<const C*>(a.weight) + c, weight);
    if (a.shift != nullptr) read(static_cast<const C*>(a.shift) + c, shift);
#pragma unroll
    for (int i = 0; i < N; ++i) values[i] = (values[i] - mean) * inverse * weight[i] + shift[i];
    write(values, static_cast<Y*>(a.normalized) + row * a.width + c);
  }
  if (threadIdx.x != 0) return;
  static_cast<C*>(a.mean)[row] = mean;
  static_cast<C*>(a.inverse_stddev)[row] = inverse;
}

template <class C>
struct RowSums {
  C gradient;  // mean(g)
  C normal;    // mean(g * n)
};

/// Means over the row, with g = dy * weight.
template <class T, class Y, int N>
__device__ RowSums<ComputeType<T>> gradient_means(const ResidualNormArguments& a, int64_t row) {
  using C = ComputeType<T>;
  const C mean = static_cast<const C*>(a.mean)[row];
  const C inverse = static_cast<const C*>(a.inverse_stddev)[row];
  C sum_g = 0;
  C sum_gn = 0;
  for (int64_t c = threadIdx.x * N; c < a.width; c += kWarp * N) {
    C s[N];
    C dy[N];
    C weight[N];
    read(static_cast<const C*>(a.sum) + row * a.width + c, s);
    read(static_cast<const Y*>(a.grad_normalized) + row * a.width + c, dy);
    read(static_cast<const C*>(a.weight) + c, weight);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const C g = dy[i] * weight[i];
      sum_g += g;
      sum_gn += g * (s[i] - mean) * inverse;
    }
  }
  const C width = static_cast<C>(a.width);
  const C mean_g = sum_of_warp(sum_g) / width;
  return {a.centred ? mean_g : C(0), sum_of_warp(sum_gn) / width};
}

template <class T, class Y, int N>
__global__ void backward_kernel(ResidualNormArguments a) {
  using C = ComputeType<T>;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.y;
  if (row >= a.rows) return;
  const bool normed = a.grad_normalized != nullptr;
  RowSums<C> means{0, 0};
  if (normed) means = gradient_means<T, Y, N>(a, row);
  const C mean = static_cast<const C*>(a.mean)[row];
  const C inverse = static_cast<const C*>(a.inverse_stddev)[row];
  const DropoutHash hash = a.hash.with_stored_key();
  const int64_t first = first_element(a, row);
  for (int64_t c = threadIdx.x * N; c < a.width; c += kWarp * N) {
    const int64_t place = row * a.width + c;
    C ds[N] = {};
    if (normed) {
      C s[N];
      C dy[N];
      C weight[N];
      read(static_cast<const C*>(a.sum) + place, s);
      read(static_cast<const Y*>(a.grad_normalized) + place, dy);
      read(static_cast<const C*>(a.weight) + c, weight);
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const C normal = (s[i] - mean) * inverse;
        ds[i] = inverse * (dy[i] * weight[i] - means.gradient - normal * means.normal);
      }
    }
    if (a.grad_sum != nullptr) {
      C upstream[N];
      read(static_cast<const C*>(a.grad_sum) + place, upstream);
#pragma unroll
      for (int i = 0; i < N; ++i) ds[i] += upstream[i];
    }
    write(ds, static_cast<C*>(a.grad_residual) + place);
    if (a.grad_x == nullptr) continue;
    if (hash.active()) drop(ds, hash, first + c);
    write(ds, static_cast<T*>(a.grad_x) + place);
  }
}

template <class T, class Y, int N>
__global__ void column_sums_kernel(ResidualNormArguments a) {
  using C = ComputeType<T>;
  const int64_t column = first_column<N>();
  C dweight[N] = {};
  C dshift[N] = {};
  C dbias[N] = {};
  for (int64_t row = first_row(); column < a.width && row < a.rows; row += row_step()) {
    const int64_t place = row * a.width + column;
    if (a.grad_normalized != nullptr) {
      const C mean = static_cast<const C*>(a.mean)[row];
      const C inverse = static_cast<const C*>(a.inverse_stddev)[row];
      C s[N];
      C dy[N];
      read(static_cast<const C*>(a.sum) + place, s);
      read(static_cast<const Y*>(a.grad_normalized) + place, dy);
#pragma unroll
      for (int i = 0; i < N; ++i) {
        dweight[i] += dy[i] * (s[i] - mean) * inverse;
        dshift[i] += dy[i];
      }
    }
    C dx[N];
    if (a.grad_x != nullptr) {
      read(static_cast<const T*>(a.grad_x) + place, dx);
    } else {
      read(static_cast<const C*>(a.grad_residual) + place, dx);
    }
#pragma unroll
    for (int i = 0; i < N; ++i) dbias[i] += dx[i];
  }
  C* const sums = static_cast<C*>(a.column_sums) + blockIdx.y * 3 * a.width;
  write_column_sums(dweight, sums, a.width);
  write_column_sums(dshift, sums + a.width, a.width);
  write_column_sums(dbias, sums + 2 * a.width, a.width);
}

template <class T, class Y, int N>
struct Forward {
  static void launch(const ResidualNormArguments& a, cudaStream_t stream) {
    const size_t bytes = kWarps * static_cast<size_t>(a.width) * sizeof(ComputeType<T>);
    const dim3 block(kWarp, kWarps);
    if (bytes <= kSharedBytes) {
      forward_kernel<T, Y, N, true><<<row_grid(a.rows), block, bytes, stream>>>(a);
    } else {
      forward_kernel<T, Y, N, false><<<row_grid(a.rows), block, 0, stream>>>(a);
    }
  }
};

template <class T, class Y, int N>
struct Backward {
  static void launch(const ResidualNormArguments& a, cudaStream_t stream) {
    backward_kernel<T, Y, N><<<row_grid(a.rows), dim3(kWarp, kWarps), 0, stream>>>(a);
    column_sums_kernel<T, Y, N>
        <<<column_grid<N>(a.width, row_strips(a.rows, a.width)), column_block(), 0, stream>>>(a);
  }
};

template <template <class, class, int> class Pass, class T, class Y>
void launch_packed(const ResidualNormArguments& a, cudaStream_t stream) {
  const bool packs =
      takes_packs(a.width, a.x, a.bias, a.residual, a.weight, a.shift, a.sum, a.normalized,
                  a.grad_sum, a.grad_normalized, a.grad_residual, a.grad_x);
  packs ? Pass<T, Y, kPack>::launch(a, stream) : Pass<T, Y, 1>::launch(a, stream);
}

template <template <class, class, int> class Pass, class T>
void launch_typed(const ResidualNormArguments& a, cudaStream_t stream) {
  if constexpr (std::is_same_v<T, double>) {
    launch_packed<Pass, double, double>(a, stream);
  } else {
    switch (a.norm_type) {
      case ElementType::kBf16:
        return launch_packed<Pass, T, __nv_bfloat16>(a, stream);
      case ElementType::kFp16:
        return launch_packed<Pass, T, __half>(a, stream);
      case ElementType::kFloat:
      case ElementType::kDouble:
        return launch_packed<Pass, T, float>(a, stream);
    }
  }
}

template <template <class, class, int> class Pass>
int launch(const ResidualNormArguments& a, void* stream) {
  if (a.rows == 0) return 0;
  with_type(a.x_type, [&](auto* null) {
    launch_typed<Pass, std::remove_pointer_t<decltype(null)>>(a, static_cast<cudaStream_t>(stream));
  });
  return static_cast<int>(cudaGetLastError());
}

}  // namespace

int residual_norm_forward(const ResidualNormArguments& arguments, void* stream) {
  return launch<Forward>(arguments, stream);
}

int residual_norm_backward(const ResidualNormArguments& arguments, void* stream) {
  return launch<Backward>(arguments, stream);
}

}  // namespace linformer::cuda
