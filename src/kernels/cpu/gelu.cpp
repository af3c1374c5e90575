#include "linformer/kernels/gelu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../element_functions.h"
#include "kernels.h"
#include "low_types.h"
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
void forward_rows(const T* x, const ComputeType<T>* bias, T* y, int64_t begin, int64_t end,
                  int64_t width) {
  for (int64_t row = begin; row < end; ++row) {
    const T* in = x + row * width;
    T* out = y + row * width;
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const ComputeType<T> v = load(in[c]) + bias[c];
      store(v * Form::parts(v).cdf, out[c]);
    }
  }
}

template <class Form, class T>
void backward_rows(const T* x, const ComputeType<T>* bias, const T* dy, T* dx,
                   ComputeType<T>* dbias, int64_t begin, int64_t end, int64_t width) {
  for (int64_t row = begin; row < end; ++row) {
    const T* in = x + row * width;
    const T* upstream = dy + row * width;
    T* out = dx + row * width;
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const ComputeType<T> v = load(in[c]) + bias[c];
      const auto parts = Form::parts(v);
      const ComputeType<T> gradient = load(upstream[c]) * (parts.cdf + parts.x_pdf);
      store(gradient, out[c]);
      dbias[c] += gradient;
    }
  }
}

at::Tensor forward(const at::Tensor& input, const at::Tensor& bias, GeluForm form) {
  if (needs_float(input)) return forward(input.to(at::kFloat), bias, form).to(at::kHalf);
  at::Tensor output = at::empty_like(input);
  const int64_t width = input.size(1);
  LINFORMER_DISPATCH_CPU(input.scalar_type(), "bias_gelu", [&] {
    const scalar_t* x = input.data_ptr<scalar_t>();
    const auto* b = bias.data_ptr<ComputeType<scalar_t>>();
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
  if (needs_float(input)) {
    GeluGradients full = backward(input.to(at::kFloat), bias, form, upstream.to(at::kFloat));
    return {full.input.to(at::kHalf), full.bias};
  }
  at::Tensor grad_input = at::empty_like(input);
  at::Tensor grad_bias;
  LINFORMER_DISPATCH_CPU(input.scalar_type(), "bias_gelu_backward", [&] {
    const auto rows = form == GeluForm::kExact ? backward_rows<ExactForm, scalar_t>
                                               : backward_rows<TanhForm, scalar_t>;
    using Sum = ComputeType<scalar_t>;
    grad_bias = parallel_row_sums<Sum>(
        input.size(0), input.size(1), bias.options(), [&](int64_t begin, int64_t end, Sum* sums) {
          rows(input.data_ptr<scalar_t>(), bias.data_ptr<Sum>(), upstream.data_ptr<scalar_t>(),
               grad_input.data_ptr<scalar_t>(), sums, begin, end, input.size(1));
        });
  });
  return {grad_input, grad_bias};
}

}  // namespace

const GeluKernels gelu_kernels{forward, backward, /*takes_low=*/true};

}  // namespace linformer::cpu
