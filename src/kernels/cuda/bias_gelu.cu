#include <cuda_runtime.h>

#include "../element_functions.h"
#include "bias_gelu.h"
#include "elements.cuh"

namespace linformer::cuda {
namespace {

struct ExactForm {
  template <class T>
  static __device__ auto parts(T x) {
    return gelu_parts(x);
  }
};
struct TanhForm {
  template <class T>
  static __device__ auto parts(T x) {
    return gelu_tanh_parts(x);
  }
};

template <class T>
struct Operands {
  const T* x;
  const ComputeType<T>* bias;
  const T* upstream;
  T* output;
  ComputeType<T>* bias_sums;
  int64_t rows;
  int64_t width;
};

template <class T>
Operands<T> operands_of(const BiasGeluArguments& a) {
  return {static_cast<const T*>(a.x),
          static_cast<const ComputeType<T>*>(a.bias),
          static_cast<const T*>(a.upstream),
          static_cast<T*>(a.output),
          static_cast<ComputeType<T>*>(a.bias_sums),
          a.rows,
          a.width};
}

template <class T, int N, class Form>
__global__ void forward_kernel(Operands<T> a) {
  using C = ComputeType<T>;
  const int64_t column = first_column<N>();
  if (column >= a.width) return;
  C bias[N];
  read(a.bias + column, bias);
  for (int64_t row = first_row(); row < a.rows; row += row_step()) {
    C values[N];
    read(a.x + row * a.width + column, values);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const C v = values[i] + bias[i];
      values[i] = v * Form::parts(v).cdf;
    }
    write(values, a.output + row * a.width + column);
  }
}

template <class T, int N, class Form>
__global__ void backward_kernel(Operands<T> a) {
  using C = ComputeType<T>;
  const int64_t column = first_column<N>();
  C sums[N] = {};
  if (column < a.width) {
    C bias[N];
    read(a.bias + column, bias);
    for (int64_t row = first_row(); row < a.rows; row += row_step()) {
      C values[N];
      C upstream[N];
      read(a.x + row * a.width + column, values);
      read(a.upstream + row * a.width + column, upstream);
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const auto parts = Form::parts(values[i] + bias[i]);
        values[i] = upstream[i] * (parts.cdf + parts.x_pdf);
        sums[i] += values[i];
      }
      write(values, a.output + row * a.width + column);
    }
  }
  write_column_sums(sums, a.bias_sums + blockIdx.y * a.width, a.width);
}

template <class T, int N, class Form>
void launch(const BiasGeluArguments& a, cudaStream_t stream) {
  const dim3 grid = column_grid<N>(a.width, row_strips(a.rows, a.width));
  if (a.upstream == nullptr) {
    forward_kernel<T, N, Form><<<grid, column_block(), 0, stream>>>(operands_of<T>(a));
  } else {
    backward_kernel<T, N, Form><<<grid, column_block(), 0, stream>>>(operands_of<T>(a));
  }
}

int launch(const BiasGeluArguments& a, void* stream) {
  if (a.width == 0) return 0;
  with_type(a.type, [&](auto* null) {
    using T = std::remove_pointer_t<decltype(null)>;
    auto* const queue = static_cast<cudaStream_t>(stream);
    if (takes_packs(a.width, a.x, a.bias, a.upstream, a.output)) {
      a.tanh_form ? launch<T, kPack, TanhForm>(a, queue) : launch<T, kPack, ExactForm>(a, queue);
    } else {
      a.tanh_form ? launch<T, 1, TanhForm>(a, queue) : launch<T, 1, ExactForm>(a, queue);
    }
  });
  return static_cast<int>(cudaGetLastError());
}

}  // namespace

int bias_gelu_forward(const BiasGeluArguments& arguments, void* stream) {
  return launch(arguments, stream);
}

int bias_gelu_backward(const BiasGeluArguments& arguments, void* stream) {
  return launch(arguments, stream);
}

}  // namespace linformer::cuda
