#include "linformer/kernels/layer_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "composed.h"
#include "dropout_hash.h"
#include "parallel_sums.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

template <class T>
struct ForwardArguments {
  const T* x;
  const T* bias;      // may be null
  const T* residual;  // may be null
  const T* weight;
  const T* shift;  // null: RMSNorm
  T* sum;
  T* normalized;
  T* mean;
  T* inverse_deviation;
  int64_t width;
  T epsilon;
};

template <class T>
void forward_row(const ForwardArguments<T>& a, const DropoutHash& hash, int64_t row) {
  const int64_t width = a.width;
  const T* x = a.x + row * width;
  T* s = a.sum + row * width;
  T* y = a.normalized + row * width;
  for (int64_t c = 0; c < width; ++c) s[c] = x[c];
  if (a.bias != nullptr) {
    for (int64_t c = 0; c < width; ++c) s[c] += a.bias[c];
  }
  if (hash.active()) hash.apply(s, s, static_cast<uint32_t>(row * width), width);
  if (a.residual != nullptr) {
    const T* r = a.residual + row * width;
    for (int64_t c = 0; c < width; ++c) s[c] += r[c];
  }
  T total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t c = 0; c < width; ++c) total += s[c];
  const T mean = a.shift == nullptr ? T(0) : total / static_cast<T>(width);
  T squares = 0;
#pragma omp simd reduction(+ : squares)
  for (int64_t c = 0; c < width; ++c) squares += (s[c] - mean) * (s[c] - mean);
  const T inverse = T(1) / std::sqrt(squares / static_cast<T>(width) + a.epsilon);
  if (a.shift == nullptr) {
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) y[c] = s[c] * inverse * a.weight[c];
  } else {
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) y[c] = (s[c] - mean) * inverse * a.weight[c] + a.shift[c];
  }
  a.mean[row] = mean;
  a.inverse_deviation[row] = inverse;
}

template <class T>
struct BackwardArguments {
  const T* sum;
  const T* mean;
  const T* inverse_deviation;
  const T* weight;
  const T* grad_normalized;  // may be null
  const T* grad_sum;         // may be null
  T* grad_residual;
  T* grad_x;     // equals grad_residual without dropout
  bool centred;  // LayerNorm; RMSNorm has no mean
  int64_t width;
};

// sums: gradients of weight, shift and bias, one after the other.
template <class T>
void backward_row(const BackwardArguments<T>& a, const DropoutHash& hash, int64_t row, T* sums) {
  const int64_t width = a.width;
  const T* s = a.sum + row * width;
  T* ds = a.grad_residual + row * width;
  T* dweight = sums;
  T* dshift = sums + width;
  T* dbias = sums + 2 * width;
  if (a.grad_normalized != nullptr) {
    const T* dy = a.grad_normalized + row * width;
    const T mean = a.mean[row];
    const T inverse = a.inverse_deviation[row];
    T sum_g = 0;
    T sum_gx = 0;
#pragma omp simd reduction(+ : sum_g, sum_gx)
    for (int64_t c = 0; c < width; ++c) {
      const T normal = (s[c] - mean) * inverse;
      const T g = dy[c] * a.weight[c];
      sum_g += g;
      sum_gx += g * normal;
      dweight[c] += dy[c] * normal;
      dshift[c] += dy[c];
    }
    const T mean_g = a.centred ? sum_g / static_cast<T>(width) : T(0);
    const T mean_gx = sum_gx / static_cast<T>(width);
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const T normal = (s[c] - mean) * inverse;
      ds[c] = inverse * (dy[c] * a.weight[c] - mean_g - normal * mean_gx);
    }
  } else {
    std::fill(ds, ds + width, T(0));
  }
  if (a.grad_sum != nullptr) {
    const T* upstream = a.grad_sum + row * width;
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) ds[c] += upstream[c];
  }
  T* dx = a.grad_x + row * width;
  if (hash.active()) hash.apply(ds, dx, static_cast<uint32_t>(row * width), width);
#pragma omp simd
  for (int64_t c = 0; c < width; ++c) dbias[c] += dx[c];
}

template <class T>
const T* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

class ResidualNormFunction : public torch::autograd::Function<ResidualNormFunction> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* ctx,
                                                const at::Tensor& x,
                                                const std::optional<at::Tensor>& bias_in,
                                                const std::optional<at::Tensor>& residual_in,
                                                const at::Tensor& weight,
                                                const std::optional<at::Tensor>& shift_in,
                                                double epsilon, double probability, int64_t key) {
    const at::Tensor bias = bias_in.value_or(at::Tensor());
    const at::Tensor residual = residual_in.value_or(at::Tensor());
    const at::Tensor shift = shift_in.value_or(at::Tensor());
    TORCH_CHECK(x.dim() == 2 && x.is_contiguous(), "layer norm takes a contiguous (R, C) input");
    TORCH_CHECK(!residual.defined() || (residual.is_contiguous() && residual.sizes() == x.sizes()),
                "layer norm takes a contiguous residual of the input's shape");
    const DropoutHash hash(probability, static_cast<uint64_t>(key));
    const int64_t rows = x.size(0);
    at::Tensor sum = at::empty_like(x);
    at::Tensor normalized = at::empty_like(x);
    at::Tensor mean = at::empty({rows}, x.options());
    at::Tensor inverse = at::empty({rows}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "residual_layer_norm", [&] {
      const ForwardArguments<scalar_t> arguments{
          x.data_ptr<scalar_t>(),           data_or_null<scalar_t>(bias),
          data_or_null<scalar_t>(residual), weight.data_ptr<scalar_t>(),
          data_or_null<scalar_t>(shift),    sum.data_ptr<scalar_t>(),
          normalized.data_ptr<scalar_t>(),  mean.data_ptr<scalar_t>(),
          inverse.data_ptr<scalar_t>(),     x.size(1),
          static_cast<scalar_t>(epsilon)};
      at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) forward_row(arguments, hash, row);
      });
    });
    ctx->set_materialize_grads(false);
    ctx->save_for_backward({sum, mean, inverse, weight});
    ctx->saved_data["has_bias"] = bias.defined();
    ctx->saved_data["has_residual"] = residual.defined();
    ctx->saved_data["has_shift"] = shift.defined();
    ctx->saved_data["probability"] = probability;
    ctx->saved_data["key"] = key;
    return {sum, normalized};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor& sum = saved[0];
    const at::Tensor& weight = saved[3];
    const DropoutHash hash(ctx->saved_data["probability"].toDouble(),
                           static_cast<uint64_t>(ctx->saved_data["key"].toInt()));
    const at::Tensor grad_sum = grads[0].defined() ? grads[0].contiguous() : at::Tensor();
    const at::Tensor grad_normalized = grads[1].defined() ? grads[1].contiguous() : at::Tensor();
    const int64_t width = sum.size(1);
    at::Tensor grad_residual = at::empty_like(sum);
    at::Tensor grad_x = hash.active() ? at::empty_like(sum) : grad_residual;
    const bool has_shift = ctx->saved_data["has_shift"].toBool();
    at::Tensor sums;
    AT_DISPATCH_FLOATING_TYPES(sum.scalar_type(), "residual_layer_norm_backward", [&] {
      const BackwardArguments<scalar_t> arguments{sum.data_ptr<scalar_t>(),
                                                  saved[1].data_ptr<scalar_t>(),
                                                  saved[2].data_ptr<scalar_t>(),
                                                  weight.data_ptr<scalar_t>(),
                                                  data_or_null<scalar_t>(grad_normalized),
                                                  data_or_null<scalar_t>(grad_sum),
                                                  grad_residual.data_ptr<scalar_t>(),
                                                  grad_x.data_ptr<scalar_t>(),
                                                  has_shift,
                                                  width};
      sums = parallel_row_sums<scalar_t>(sum.size(0), 3 * width, sum.options(),
                                         [&](int64_t begin, int64_t end, scalar_t* partial) {
                                           for (int64_t row = begin; row < end; ++row) {
                                             backward_row(arguments, hash, row, partial);
                                           }
                                         });
    });
    const bool has_bias = ctx->saved_data["has_bias"].toBool();
    const bool has_residual = ctx->saved_data["has_residual"].toBool();
    return {grad_x,
            has_bias ? sums.narrow(0, 2 * width, width) : at::Tensor(),
            has_residual ? grad_residual : at::Tensor(),
            sums.narrow(0, 0, width),
            has_shift ? sums.narrow(0, width, width) : at::Tensor(),
            at::Tensor(),
            at::Tensor(),
            at::Tensor()};
  }
};

/// The same out of ATen's operations, for other devices.
ResidualNorm composed_residual_norm(const at::Tensor& x, const at::Tensor& bias,
                                    const at::Tensor& residual, const at::Tensor& weight,
                                    const at::Tensor& shift, double epsilon,
                                    const DropoutSite& site) {
  at::Tensor sum = bias.defined() ? x + bias : x;
  sum = dropout(sum, site);
  if (residual.defined()) sum = sum + residual;
  if (shift.defined()) {
    return {sum, at::layer_norm(sum, {sum.size(1)}, weight, shift, epsilon)};
  }
  const at::Tensor inverse = (sum.square().mean(-1, /*keepdim=*/true) + epsilon).rsqrt();
  return {sum, sum * inverse * weight};
}

}  // namespace

ResidualNorm bias_dropout_residual_layer_norm(const at::Tensor& input, const at::Tensor& bias,
                                              const at::Tensor& residual_in,
                                              const at::Tensor& weight, const at::Tensor& shift,
                                              double epsilon, const DropoutSite& site) {
  const at::Tensor x = to_full(input);
  const at::Tensor residual = to_full(residual_in);
  if (takes_composed_path(x)) {
    return composed_residual_norm(x, bias, residual, weight, shift, epsilon, site);
  }
  const auto optional = [](const at::Tensor& tensor) {
    return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
  };
  auto outputs =
      ResidualNormFunction::apply(x, optional(bias), optional(residual), weight, optional(shift),
                                  epsilon, site.probability, static_cast<int64_t>(site.key));
  return {outputs[0], outputs[1]};
}

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& shift,
                      double epsilon) {
  return bias_dropout_residual_layer_norm(x, {}, {}, weight, shift, epsilon, {}).normalized;
}

}  // namespace linformer
