#include "linformer/kernels/layer_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../dropout_hash.h"
#include "kernels.h"
#include "parallel_sums.h"

namespace linformer::cpu {
namespace {

template <class T>
struct ForwardArguments {
  const T* x;
  const T* bias;      // may be null
  const T* residual;  // may be null
  const T* weight;
  const T* shift;       // null: RMSNorm
  const int64_t* rows;  // of the dropout site; null: 0, 1, ...
  T* sum;
  T* normalized;
  T* mean;
  T* inverse_stddev;
  int64_t width;
  T epsilon;
};

/// The element of the dropout site at which a row begins.
uint32_t first_element(const int64_t* rows, int64_t row, int64_t width) {
  return static_cast<uint32_t>((rows == nullptr ? row : rows[row]) * width);
}

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
  if (hash.active()) hash.apply(s, s, first_element(a.rows, row, width), width);
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
  a.inverse_stddev[row] = inverse;
}

template <class T>
struct BackwardArguments {
  const T* sum;
  const T* mean;
  const T* inverse_stddev;
  const T* weight;
  const T* grad_normalized;  // may be null
  const T* grad_sum;         // may be null
  T* grad_residual;
  T* grad_x;            // equals grad_residual without dropout
  const int64_t* rows;  // of the dropout site; null: 0, 1, ...
  bool centred;         // LayerNorm; RMSNorm has no mean
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
    const T inverse = a.inverse_stddev[row];
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
  if (hash.active()) hash.apply(ds, dx, first_element(a.rows, row, width), width);
#pragma omp simd
  for (int64_t c = 0; c < width; ++c) dbias[c] += dx[c];
}

template <class T>
const T* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

NormResult forward(const NormInputs& in, const NormOptions& options) {
  const DropoutHash hash(options.dropout.probability, options.dropout.key);
  const int64_t rows = in.x.size(0);
  NormResult out{at::empty_like(in.x), at::empty_like(in.x), at::empty({rows}, in.x.options()),
                 at::empty({rows}, in.x.options())};
  AT_DISPATCH_FLOATING_TYPES(in.x.scalar_type(), "residual_layer_norm", [&] {
    const ForwardArguments<scalar_t> arguments{in.x.data_ptr<scalar_t>(),
                                               data_or_null<scalar_t>(in.bias),
                                               data_or_null<scalar_t>(in.residual),
                                               in.weight.data_ptr<scalar_t>(),
                                               data_or_null<scalar_t>(in.shift),
                                               data_or_null<int64_t>(in.rows),
                                               out.sum.data_ptr<scalar_t>(),
                                               out.normalized.data_ptr<scalar_t>(),
                                               out.mean.data_ptr<scalar_t>(),
                                               out.inverse_stddev.data_ptr<scalar_t>(),
                                               in.x.size(1),
                                               static_cast<scalar_t>(options.epsilon)};
    at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) forward_row(arguments, hash, row);
    });
  });
  return out;
}

NormGradients backward(const NormBackwardInputs& in) {
  const DropoutHash hash(in.dropout.probability, in.dropout.key);
  const int64_t width = in.sum.size(1);
  at::Tensor grad_residual = at::empty_like(in.sum);
  at::Tensor grad_x = hash.active() ? at::empty_like(in.sum) : grad_residual;
  at::Tensor sums;
  AT_DISPATCH_FLOATING_TYPES(in.sum.scalar_type(), "residual_layer_norm_backward", [&] {
    const BackwardArguments<scalar_t> arguments{in.sum.data_ptr<scalar_t>(),
                                                in.mean.data_ptr<scalar_t>(),
                                                in.inverse_stddev.data_ptr<scalar_t>(),
                                                in.weight.data_ptr<scalar_t>(),
                                                data_or_null<scalar_t>(in.grad_normalized),
                                                data_or_null<scalar_t>(in.grad_sum),
                                                grad_residual.data_ptr<scalar_t>(),
                                                grad_x.data_ptr<scalar_t>(),
                                                data_or_null<int64_t>(in.rows),
                                                in.centred,
                                                width};
    sums = parallel_row_sums<scalar_t>(in.sum.size(0), 3 * width, in.sum.options(),
                                       [&](int64_t begin, int64_t end, scalar_t* partial) {
                                         for (int64_t row = begin; row < end; ++row) {
                                           backward_row(arguments, hash, row, partial);
                                         }
                                       });
  });
  NormGradients gradients;
  gradients.x = grad_x;
  gradients.residual = grad_residual;
  gradients.weight = sums.narrow(0, 0, width);
  gradients.shift = sums.narrow(0, width, width);
  gradients.bias = sums.narrow(0, 2 * width, width);
  return gradients;
}

}  // namespace

const NormKernels norm_kernels{forward, backward};

}  // namespace linformer::cpu
