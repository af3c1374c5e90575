#include "linformer/kernels/gelu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../element_functions.h"
#include "kernels.h"
#include "parallel_sums.h"

namespace linformer::cpu {
namespace {

struct ExactForm {
  template <class T>
  static auto parts(T x) {
    return gelu_parts(x);
  }
};
struct TanhForm {
  template <class T>
  static auto parts(T x) {
    return gelu_tanh_parts(x);
  }
};

template <class Form, class T>
void forward_rows(const T* x, const T* bias, T* y, int64_t begin, int64_t end, int64_t width) {
  for (int64_t row = begin; row < end; ++row) {
    const T* in = x + row * width;
    T* out = y + row * width;
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const T v = in[c] + bias[c];
      out[c] = v * Form::parts(v).cdf;
    }
  }
}

template <class Form, class T>
void backward_rows(const T* x, const T* bias, const T* dy, T* dx, T* dbias, int64_t begin,
                   int64_t end, int64_t width) {
  for (int64_t row = begin; row < end; ++row) {
    const T* in = x + row * width;
    const T* upstream = dy + row * width;
    T* out = dx + row * width;
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const T v = in[c] + bias[c];
      const auto parts = Form::parts(v);
      const T gradient = upstream[c] * (parts.cdf + parts.x_pdf);
      out[c] = gradient;
      dbias[c] += gradient;
    }
  }
}

at::Tensor forward(const at::Tensor& input, const at::Tensor& bias, GeluForm form) {
  at::Tensor output = at::empty_like(input);
  const int64_t width = input.size(1);
  AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "bias_gelu", [&] {
    const scalar_t* x = input.data_ptr<scalar_t>();
    const scalar_t* b = bias.data_ptr<scalar_t>();
    scalar_t* y = output.data_ptr<scalar_t>();
    at::parallel_for(0, input.size(0), 1, [&](int64_t begin, int64_t end) {
      form == GeluForm::kExact ? forward_rows<ExactForm>(x, b, y, begin, end, width)
                               : forward_rows<TanhForm>(x, b, y, begin, end, width);
    });
  });
  return output;
}

GeluGradients backward(const at::Tensor& input, const at::Tensor& bias, GeluForm form,
                       const at::Tensor& upstream) {
  at::Tensor grad_input = at::empty_like(input);
  at::Tensor grad_bias;
  AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "bias_gelu_backward", [&] {
    const auto rows = form == GeluForm::kExact ? backward_rows<ExactForm, scalar_t>
                                               : backward_rows<TanhForm, scalar_t>;
    grad_bias = parallel_row_sums<scalar_t>(
        input.size(0), input.size(1), input.options(),
        [&](int64_t begin, int64_t end, scalar_t* sums) {
          rows(input.data_ptr<scalar_t>(), bias.data_ptr<scalar_t>(), upstream.data_ptr<scalar_t>(),
               grad_input.data_ptr<scalar_t>(), sums, begin, end, input.size(1));
        });
  });
  return {grad_input, grad_bias};
}

}  // namespace

const GeluKernels gelu_kernels{forward, backward};

}  // namespace linformer::cpu
