#include "linformer/kernels/depthwise_convolution.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "kernels.h"
#include "low_types.h"
#include "parallel_sums.h"

namespace linformer::cpu {
namespace {

struct Shape {
  int64_t length;
  int64_t channels;
  int64_t width;
};

// The channels are the last dimension of x and of the taps (W, C), so that the inner loops run over
// channels. direction +1 correlates (the forward pass); -1 is its transpose (gradient of the
// input).
template <class T>
void accumulate_rows(const T* x, const ComputeType<T>* taps, T* y, const Shape& shape,
                     int direction, int64_t begin, int64_t end) {
  const int64_t half = (shape.width - 1) / 2;
  std::vector<ComputeType<T>> sums(static_cast<size_t>(shape.channels));
  ComputeType<T>* const sum = sums.data();
  for (int64_t row = begin; row < end; ++row) {
    const int64_t i = row % shape.length;
    T* out = y + row * shape.channels;
#pragma omp simd
    for (int64_t c = 0; c < shape.channels; ++c) sum[c] = load(out[c]);
    for (int64_t j = 0; j < shape.width; ++j) {
      const int64_t offset = direction * (j - half);
      if (i + offset < 0 || i + offset >= shape.length) continue;
      const T* in = x + (row + offset) * shape.channels;
      const ComputeType<T>* tap = taps + j * shape.channels;
#pragma omp simd
      for (int64_t c = 0; c < shape.channels; ++c) sum[c] += tap[c] * load(in[c]);
    }
#pragma omp simd
    for (int64_t c = 0; c < shape.channels; ++c) store(sum[c], out[c]);
  }
}

template <class T>
void weight_gradient_rows(const T* x, const T* dy, ComputeType<T>* dtaps, const Shape& shape,
                          int64_t begin, int64_t end) {
  const int64_t half = (shape.width - 1) / 2;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t i = row % shape.length;
    const T* upstream = dy + row * shape.channels;
    for (int64_t j = 0; j < shape.width; ++j) {
      const int64_t offset = j - half;
      if (i + offset < 0 || i + offset >= shape.length) continue;
      const T* in = x + (row + offset) * shape.channels;
      ComputeType<T>* sums = dtaps + j * shape.channels;
#pragma omp simd
      for (int64_t c = 0; c < shape.channels; ++c) sums[c] += load(upstream[c]) * load(in[c]);
    }
  }
}

at::Tensor convolve(const at::Tensor& base, const at::Tensor& x, const at::Tensor& taps,
                    int direction) {
  at::Tensor output = base.clone();
  const Shape shape{x.size(1), x.size(2), taps.size(0)};
  LINFORMER_DISPATCH_CPU(x.scalar_type(), "depthwise_convolution", [&] {
    at::parallel_for(0, x.size(0) * x.size(1), 16, [&](int64_t begin, int64_t end) {
      accumulate_rows(x.data_ptr<scalar_t>(), taps.data_ptr<ComputeType<scalar_t>>(),
                      output.data_ptr<scalar_t>(), shape, direction, begin, end);
    });
  });
  return output;
}

at::Tensor forward(const at::Tensor& base, const at::Tensor& x, const at::Tensor& taps) {
  if (needs_float(x)) {
    return convolve(base.to(at::kFloat), x.to(at::kFloat), taps, +1).to(x.scalar_type());
  }
  return convolve(base, x, taps, +1);
}

ConvolutionGradients backward(const at::Tensor& x, const at::Tensor& taps,
                              const at::Tensor& upstream) {
  if (needs_float(x)) {
    ConvolutionGradients full = backward(x.to(at::kFloat), taps, upstream.to(at::kFloat));
    return {full.x.to(x.scalar_type()), full.taps};
  }
  const Shape shape{x.size(1), x.size(2), taps.size(0)};
  at::Tensor grad_taps;
  LINFORMER_DISPATCH_CPU(x.scalar_type(), "depthwise_convolution_backward", [&] {
    using Sum = ComputeType<scalar_t>;
    grad_taps = parallel_row_sums<Sum>(x.size(0) * x.size(1), shape.width * shape.channels,
                                       taps.options(), [&](int64_t begin, int64_t end, Sum* sums) {
                                         weight_gradient_rows(x.data_ptr<scalar_t>(),
                                                              upstream.data_ptr<scalar_t>(), sums,
                                                              shape, begin, end);
                                       });
  });
  return {convolve(at::zeros_like(x), upstream, taps, -1),
          grad_taps.reshape({shape.width, shape.channels})};
}

}  // namespace

const ConvolutionKernels convolution_kernels{forward, backward, /*takes_low=*/true};

}  // namespace linformer::cpu
