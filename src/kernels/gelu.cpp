#include "linformer/kernels/gelu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "composed.h"
#include "parallel_sums.h"
#include "vector_math.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
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

class BiasGelu : public torch::autograd::Function<BiasGelu> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& input,
                            const at::Tensor& bias, bool exact) {
    TORCH_CHECK(input.dim() == 2 && input.is_contiguous() && bias.size(0) == input.size(1),
                "bias_gelu takes a contiguous (R, C) input and a (C) bias");
    ctx->save_for_backward({input, bias});
    ctx->saved_data["exact"] = exact;
    at::Tensor output = at::empty_like(input);
    const int64_t width = input.size(1);
    AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "bias_gelu", [&] {
      const scalar_t* x = input.data_ptr<scalar_t>();
      const scalar_t* b = bias.data_ptr<scalar_t>();
      scalar_t* y = output.data_ptr<scalar_t>();
      at::parallel_for(0, input.size(0), 1, [&](int64_t begin, int64_t end) {
        exact ? forward_rows<ExactForm>(x, b, y, begin, end, width)
              : forward_rows<TanhForm>(x, b, y, begin, end, width);
      });
    });
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor& input = saved[0];
    const at::Tensor& bias = saved[1];
    const bool exact = ctx->saved_data["exact"].toBool();
    const at::Tensor upstream = grads[0].contiguous();
    at::Tensor grad_input = at::empty_like(input);
    at::Tensor grad_bias;
    AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "bias_gelu_backward", [&] {
      grad_bias = parallel_row_sums<scalar_t>(
          input.size(0), input.size(1), input.options(),
          [&](int64_t begin, int64_t end, scalar_t* sums) {
            const auto rows =
                exact ? backward_rows<ExactForm, scalar_t> : backward_rows<TanhForm, scalar_t>;
            rows(input.data_ptr<scalar_t>(), bias.data_ptr<scalar_t>(),
                 upstream.data_ptr<scalar_t>(), grad_input.data_ptr<scalar_t>(), sums, begin, end,
                 input.size(1));
          });
    });
    return {grad_input, grad_bias, at::Tensor()};
  }
};

}  // namespace

at::Tensor bias_gelu(const at::Tensor& input, const at::Tensor& bias, GeluForm form) {
  const at::Tensor x = to_full(input);
  const bool exact = form == GeluForm::kExact;
  if (takes_composed_path(x)) return at::gelu(x + bias, exact ? "none" : "tanh");
  return BiasGelu::apply(x, bias, exact);
}

}  // namespace linformer
