#include "linformer/kernels/depthwise_convolution.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "composed.h"
#include "parallel_sums.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

struct Shape {
  int64_t length;
  int64_t channels;
  int64_t width;
};

// taps (W, C): the weight with the channels last, so that the inner loops run over channels.
// direction +1 correlates (the forward pass), -1 is its transpose (gradient of the input).
template <class T>
void accumulate_rows(const T* x, const T* taps, T* y, const Shape& shape, int direction,
                     int64_t begin, int64_t end) {
  const int64_t half = (shape.width - 1) / 2;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t i = row % shape.length;
    T* out = y + row * shape.channels;
    for (int64_t j = 0; j < shape.width; ++j) {
      const int64_t offset = direction * (j - half);
      if (i + offset < 0 || i + offset >= shape.length) continue;
      const T* in = x + (row + offset) * shape.channels;
      const T* tap = taps + j * shape.channels;
#pragma omp simd
      for (int64_t c = 0; c < shape.channels; ++c) out[c] += tap[c] * in[c];
    }
  }
}

template <class T>
void weight_gradient_rows(const T* x, const T* dy, T* dtaps, const Shape& shape, int64_t begin,
                          int64_t end) {
  const int64_t half = (shape.width - 1) / 2;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t i = row % shape.length;
    const T* upstream = dy + row * shape.channels;
    for (int64_t j = 0; j < shape.width; ++j) {
      const int64_t offset = j - half;
      if (i + offset < 0 || i + offset >= shape.length) continue;
      const T* in = x + (row + offset) * shape.channels;
      T* sums = dtaps + j * shape.channels;
#pragma omp simd
      for (int64_t c = 0; c < shape.channels; ++c) sums[c] += upstream[c] * in[c];
    }
  }
}

at::Tensor convolve(const at::Tensor& base, const at::Tensor& x, const at::Tensor& taps,
                    int direction) {
  at::Tensor output = base.clone();
  const Shape shape{x.size(1), x.size(2), taps.size(0)};
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "depthwise_convolution", [&] {
    at::parallel_for(0, x.size(0) * x.size(1), 16, [&](int64_t begin, int64_t end) {
      accumulate_rows(x.data_ptr<scalar_t>(), taps.data_ptr<scalar_t>(),
                      output.data_ptr<scalar_t>(), shape, direction, begin, end);
    });
  });
  return output;
}

class DepthwiseConvolution : public torch::autograd::Function<DepthwiseConvolution> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& base,
                            const at::Tensor& x, const at::Tensor& weight) {
    const at::Tensor input = x.contiguous();
    const at::Tensor taps = weight.squeeze(1).t().contiguous();
    ctx->save_for_backward({input, taps});
    return convolve(base.contiguous(), input, taps, +1);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& taps = saved[1];
    const at::Tensor upstream = grads[0].contiguous();
    const Shape shape{x.size(1), x.size(2), taps.size(0)};
    at::Tensor grad_taps;
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "depthwise_convolution_backward", [&] {
      grad_taps = parallel_row_sums<scalar_t>(
          x.size(0) * x.size(1), shape.width * shape.channels, x.options(),
          [&](int64_t begin, int64_t end, scalar_t* sums) {
            weight_gradient_rows(x.data_ptr<scalar_t>(), upstream.data_ptr<scalar_t>(), sums, shape,
                                 begin, end);
          });
    });
    const at::Tensor grad_weight =
        grad_taps.reshape({shape.width, shape.channels}).t().contiguous().unsqueeze(1);
    return {upstream, convolve(at::zeros_like(x), upstream, taps, -1), grad_weight};
  }
};

/// The same out of ATen's operations, for other devices: W shifted products.
at::Tensor composed_convolution(const at::Tensor& base, const at::Tensor& x,
                                const at::Tensor& weight) {
  const int64_t width = weight.size(2);
  const int64_t half = (width - 1) / 2;
  const at::Tensor padded = at::constant_pad_nd(x, {0, 0, half, half}, 0.0);
  at::Tensor sum = base;
  for (int64_t j = 0; j < width; ++j) {
    sum = at::addcmul(sum, padded.narrow(1, j, x.size(1)), weight.select(2, j).squeeze(1));
  }
  return sum;
}

}  // namespace

at::Tensor add_depthwise_convolution(const at::Tensor& base, const at::Tensor& x,
                                     const at::Tensor& weight) {
  TORCH_CHECK(weight.dim() == 3 && weight.size(1) == 1 && weight.size(2) % 2 == 1 &&
                  weight.size(0) == x.size(2),
              "add_depthwise_convolution takes a (C, 1, W) weight with odd W");
  if (takes_composed_path(x)) return composed_convolution(to_full(base), to_full(x), weight);
  return DepthwiseConvolution::apply(to_full(base), to_full(x), weight);
}

}  // namespace linformer
