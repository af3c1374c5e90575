#include "convolution_rows.h"
#include "device_memory.h"
#include "kernels.h"

namespace linformer::cuda {
namespace {

ConvolutionArguments arguments_of(const at::Tensor& x, const at::Tensor& taps) {
  ConvolutionArguments arguments;
  arguments.type = element_type(x);
  arguments.x = read_only(x);
  arguments.taps = read_only(taps);
  arguments.sequences = x.size(0);
  arguments.length = x.size(1);
  arguments.channels = x.size(2);
  arguments.width = taps.size(0);
  return arguments;
}

at::Tensor forward(const at::Tensor& base, const at::Tensor& x, const at::Tensor& taps) {
  at::Tensor output = at::empty_like(x);
  ConvolutionArguments arguments = arguments_of(x, taps);
  arguments.base = read_only(base);
  arguments.output = output.data_ptr();
  launch_on(x, convolve_rows, arguments);
  return output;
}

ConvolutionGradients backward(const at::Tensor& x, const at::Tensor& taps,
                              const at::Tensor& upstream) {
  at::Tensor grad_x = at::empty_like(x);
  if (x.numel() == 0) return {grad_x, at::zeros_like(taps)};
  ConvolutionArguments transposed = arguments_of(upstream, taps);
  transposed.output = grad_x.data_ptr();
  transposed.direction = -1;
  launch_on(x, convolve_rows, transposed);
  const int64_t strips = row_strips(x.size(0) * x.size(1), x.size(2));
  const at::Tensor sums = at::empty({strips, taps.size(0), taps.size(1)}, compute_options(x));
  ConvolutionArguments gradients = arguments_of(x, taps);
  gradients.upstream = read_only(upstream);
  gradients.tap_sums = sums.data_ptr();
  launch_on(x, sum_tap_gradients, gradients);
  return {grad_x, sums.sum(0)};
}

}  // namespace

const ConvolutionKernels convolution_kernels{forward, backward, /*takes_low=*/true};

}  // namespace linformer::cuda
