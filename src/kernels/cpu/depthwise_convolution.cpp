#include "linformer/kernels/depthwise_convolution.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "element_loops.h"
#include "elements.h"
#include "kernels.h"
#include "parallel_sums.h"

namespace linformer::cpu {
namespace {

at::Tensor convolve(const at::Tensor& base, const at::Tensor& x, const at::Tensor& taps,
                    int direction) {
  at::Tensor output = base.clone();
  const ConvolutionShape shape{x.size(1), x.size(2), taps.size(0)};
  LINFORMER_DISPATCH_CPU(x.scalar_type(), "depthwise_convolution", [&] {
    using E = Element<scalar_t>;
    const ConvolutionLoops<E>& loops = element_loops();
    at::parallel_for(0, x.size(0) * x.size(1), 16, [&](int64_t begin, int64_t end) {
      loops.convolve(elements<scalar_t>(x), taps.data_ptr<ComputeType<E>>(),
                     elements<scalar_t>(output), shape, direction, begin, end);
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
  const ConvolutionShape shape{x.size(1), x.size(2), taps.size(0)};
  at::Tensor grad_taps;
  LINFORMER_DISPATCH_CPU(x.scalar_type(), "depthwise_convolution_backward", [&] {
    using E = Element<scalar_t>;
    using Sum = ComputeType<E>;
    const ConvolutionLoops<E>& loops = element_loops();
    grad_taps = parallel_row_sums<Sum>(x.size(0) * x.size(1), shape.width * shape.channels,
                                       taps.options(), [&](int64_t begin, int64_t end, Sum* sums) {
                                         loops.tap_gradient(elements<scalar_t>(x),
                                                            elements<scalar_t>(upstream), sums,
                                                            shape, begin, end);
                                       });
  });
  return {convolve(at::zeros_like(x), upstream, taps, -1),
          grad_taps.reshape({shape.width, shape.channels})};
}

}  // namespace

const ConvolutionKernels convolution_kernels{forward, backward, /*takes_low=*/true};

}  // namespace linformer::cpu
