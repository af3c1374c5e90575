#include "linformer/kernels/layer_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../dropout_hash.h"
#include "kernels.h"
#include "low_types.h"
#include "parallel_sums.h"

namespace linformer::cpu {
namespace {

/// Elements of x are of type X and those of y of type Y; all others are of type T.
template <class T, class X, class Y>
struct ForwardArguments {
  const X* x;
  const T* bias;      // may be null
  const T* residual;  // may be null
  const T* weight;
  const T* shift;       // null: RMSNorm
  const int64_t* rows;  // of the dropout site; null: 0, 1, ...
  T* sum;
  Y* normalized;
  T* mean;
  T* inverse_stddev;
  int64_t width;
  T epsilon;
};

/// The element of the dropout site at which a row begins.
uint32_t first_element(const int64_t* rows, int64_t row, int64_t width) {
  return static_cast<uint32_t>((rows == nullptr ? row : rows[row]) * width);
}

template <class T, class X, class Y>
void forward_row(const ForwardArguments<T, X, Y>& a, const DropoutHash& hash, int64_t row) {
  const int64_t width = a.width;
  const X* x = a.x + row * width;
  T* s = a.sum + row * width;
  Y* y = a.normalized + row * width;
#pragma omp simd
  for (int64_t c = 0; c < width; ++c) s[c] = load(x[c]);
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
    for (int64_t c = 0; c < width; ++c) store(s[c] * inverse * a.weight[c], y[c]);
  } else {
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      store((s[c] - mean) * inverse * a.weight[c] + a.shift[c], y[c]);
    }
  }
  a.mean[row] = mean;
  a.inverse_stddev[row] = inverse;
}

template <class T, class X, class Y>
struct BackwardArguments {
  const T* sum;
  const T* mean;
  const T* inverse_stddev;
  const T* weight;
  const Y* grad_normalized;  // may be null
  const T* grad_sum;         // may be null
  T* grad_residual;
  X* grad_x;            // null: it equals grad_residual
  const int64_t* rows;  // of the dropout site; null: 0, 1, ...
  bool centred;         // LayerNorm; RMSNorm has no mean
  int64_t width;
};

// sums: gradients of weight, shift and bias, one after the other.
template <class T, class X, class Y>
void backward_row(const BackwardArguments<T, X, Y>& a, const DropoutHash& hash, int64_t row,
                  T* sums) {
  const int64_t width = a.width;
  const T* s = a.sum + row * width;
  T* ds = a.grad_residual + row * width;
  T* dweight = sums;
  T* dshift = sums + width;
  T* dbias = sums + 2 * width;
  if (a.grad_normalized != nullptr) {
    const Y* dy = a.grad_normalized + row * width;
    const T mean = a.mean[row];
    const T inverse = a.inverse_stddev[row];
    T sum_g = 0;
    T sum_gx = 0;
#pragma omp simd reduction(+ : sum_g, sum_gx)
    for (int64_t c = 0; c < width; ++c) {
      const T normal = (s[c] - mean) * inverse;
      const T d = load(dy[c]);
      const T g = d * a.weight[c];
      sum_g += g;
      sum_gx += g * normal;
      dweight[c] += d * normal;
      dshift[c] += d;
    }
    const T mean_g = a.centred ? sum_g / static_cast<T>(width) : T(0);
    const T mean_gx = sum_gx / static_cast<T>(width);
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const T normal = (s[c] - mean) * inverse;
      ds[c] = inverse * (load(dy[c]) * a.weight[c] - mean_g - normal * mean_gx);
    }
  } else {
    std::fill(ds, ds + width, T(0));
  }
  if (a.grad_sum != nullptr) {
    const T* upstream = a.grad_sum + row * width;
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) ds[c] += upstream[c];
  }
  if (a.grad_x == nullptr) {
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) dbias[c] += ds[c];
    return;
  }
  X* dx = a.grad_x + row * width;
  const uint32_t first = first_element(a.rows, row, width);
  const DropoutHash own = hash;  // without aliasing
  const bool drops = own.active();
  const T scale = drops ? static_cast<T>(own.scale()) : T(1);
#pragma omp simd
  for (int64_t c = 0; c < width; ++c) {
    const bool kept = !drops || own.keeps(first + static_cast<uint32_t>(c));
    const T gradient = kept ? ds[c] * scale : T(0);
    store(gradient, dx[c]);
    dbias[c] += load(dx[c]);
  }
}

template <class T>
const T* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

/// Calls body(X, Y) with null pointers of the types of x and y.
template <class T, class Body>
void with_types(at::ScalarType x, at::ScalarType y, const Body& body) {
  constexpr auto kLow = at::kBFloat16;
  using Low = at::BFloat16;
  if constexpr (std::is_same_v<T, double>) {
    body(static_cast<T*>(nullptr), static_cast<T*>(nullptr));
  } else if (x == kLow) {
    y == kLow ? body(static_cast<Low*>(nullptr), static_cast<Low*>(nullptr))
              : body(static_cast<Low*>(nullptr), static_cast<T*>(nullptr));
  } else {
    y == kLow ? body(static_cast<T*>(nullptr), static_cast<Low*>(nullptr))
              : body(static_cast<T*>(nullptr), static_cast<T*>(nullptr));
  }
}

/// The type of sums: double, or float also for low types.
at::TensorOptions sum_options(const at::Tensor& x) {
  return x.options().dtype(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
}

NormResult forward(const NormInputs& in, const NormOptions& options) {
  const bool gives_half = options.low_norm == at::kHalf;
  if (in.x.scalar_type() == at::kHalf || gives_half) {  // computed in float
    NormInputs inputs = in;
    NormOptions in_float = options;
    inputs.x = in.x.to(at::kFloat);
    in_float.low_norm.reset();
    NormResult out = forward(inputs, in_float);
    if (gives_half) out.normalized = out.normalized.to(at::kHalf);
    return out;
  }
  const DropoutHash hash(options.dropout.probability, options.dropout.key);
  const int64_t rows = in.x.size(0);
  const at::TensorOptions full = sum_options(in.x);
  const at::ScalarType sum_type = c10::typeMetaToScalarType(full.dtype());
  const at::ScalarType norm_type = options.low_norm.value_or(sum_type);
  NormResult out{at::empty(in.x.sizes(), full), at::empty(in.x.sizes(), full.dtype(norm_type)),
                 at::empty({rows}, full), at::empty({rows}, full)};
  AT_DISPATCH_FLOATING_TYPES(sum_type, "residual_layer_norm", [&] {
    with_types<scalar_t>(in.x.scalar_type(), norm_type, [&](auto* x, auto* y) {
      using X = std::remove_pointer_t<decltype(x)>;
      using Y = std::remove_pointer_t<decltype(y)>;
      const ForwardArguments<scalar_t, X, Y> arguments{in.x.data_ptr<X>(),
                                                       data_or_null<scalar_t>(in.bias),
                                                       data_or_null<scalar_t>(in.residual),
                                                       in.weight.data_ptr<scalar_t>(),
                                                       data_or_null<scalar_t>(in.shift),
                                                       data_or_null<int64_t>(in.rows),
                                                       out.sum.data_ptr<scalar_t>(),
                                                       out.normalized.data_ptr<Y>(),
                                                       out.mean.data_ptr<scalar_t>(),
                                                       out.inverse_stddev.data_ptr<scalar_t>(),
                                                       in.x.size(1),
                                                       static_cast<scalar_t>(options.epsilon)};
      at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) forward_row(arguments, hash, row);
      });
    });
  });
  return out;
}

NormGradients backward(const NormBackwardInputs& in) {
  const bool half_norm =
      in.grad_normalized.defined() && in.grad_normalized.scalar_type() == at::kHalf;
  if (in.x_type == at::kHalf || half_norm) {  // computed in float
    NormBackwardInputs inputs = in;
    if (half_norm) inputs.grad_normalized = in.grad_normalized.to(at::kFloat);
    if (in.x_type == at::kHalf) inputs.x_type = at::kFloat;
    NormGradients gradients = backward(inputs);
    gradients.x = gradients.x.to(in.x_type);
    return gradients;
  }
  const DropoutHash hash(in.dropout.probability, in.dropout.key);
  const int64_t width = in.sum.size(1);
  const at::ScalarType norm_type =
      in.grad_normalized.defined() ? in.grad_normalized.scalar_type() : in.sum.scalar_type();
  at::Tensor grad_residual = at::empty_like(in.sum);
  const bool own_x = hash.active() || in.x_type != in.sum.scalar_type();
  const at::Tensor grad_x =
      own_x ? at::empty(in.sum.sizes(), in.sum.options().dtype(in.x_type)) : grad_residual;
  at::Tensor sums;
  AT_DISPATCH_FLOATING_TYPES(in.sum.scalar_type(), "residual_layer_norm_backward", [&] {
    with_types<scalar_t>(in.x_type, norm_type, [&](auto* x, auto* y) {
      using X = std::remove_pointer_t<decltype(x)>;
      using Y = std::remove_pointer_t<decltype(y)>;
      const BackwardArguments<scalar_t, X, Y> arguments{in.sum.data_ptr<scalar_t>(),
                                                        in.mean.data_ptr<scalar_t>(),
                                                        in.inverse_stddev.data_ptr<scalar_t>(),
                                                        in.weight.data_ptr<scalar_t>(),
                                                        data_or_null<Y>(in.grad_normalized),
                                                        data_or_null<scalar_t>(in.grad_sum),
                                                        grad_residual.data_ptr<scalar_t>(),
                                                        own_x ? grad_x.data_ptr<X>() : nullptr,
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

const NormKernels norm_kernels{forward, backward, /*takes_low=*/true};

}  // namespace linformer::cpu
