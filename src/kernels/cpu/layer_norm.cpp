#include "linformer/kernels/layer_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../saved_site.h"
#include "element_loops.h"
#include "elements.h"
#include "kernels.h"
#include "parallel_sums.h"

namespace linformer::cpu {
namespace {

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
  const DropoutHash hash = host_hash_of(options.dropout);
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
      const NormForward<scalar_t, Element<X>, Element<Y>> arguments{
          elements<X>(in.x),
          data_or_null<scalar_t>(in.bias),
          data_or_null<scalar_t>(in.residual),
          in.weight.data_ptr<scalar_t>(),
          data_or_null<scalar_t>(in.shift),
          data_or_null<int64_t>(in.rows),
          out.sum.data_ptr<scalar_t>(),
          elements<Y>(out.normalized),
          out.mean.data_ptr<scalar_t>(),
          out.inverse_stddev.data_ptr<scalar_t>(),
          in.x.size(1),
          static_cast<scalar_t>(options.epsilon)};
      const NormLoops<scalar_t, Element<X>, Element<Y>>& loops = element_loops();
      at::parallel_for(
          0, rows, 1, [&](int64_t begin, int64_t end) { loops.norm(arguments, hash, begin, end); });
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
  const DropoutHash hash = host_hash_of(in.dropout);
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
      const NormBackward<scalar_t, Element<X>, Element<Y>> arguments{
          in.sum.data_ptr<scalar_t>(),
          in.mean.data_ptr<scalar_t>(),
          in.inverse_stddev.data_ptr<scalar_t>(),
          in.weight.data_ptr<scalar_t>(),
          in.grad_normalized.defined() ? elements<Y>(in.grad_normalized) : nullptr,
          data_or_null<scalar_t>(in.grad_sum),
          grad_residual.data_ptr<scalar_t>(),
          own_x ? elements<X>(grad_x) : nullptr,
          data_or_null<int64_t>(in.rows),
          in.centred,
          width};
      const NormLoops<scalar_t, Element<X>, Element<Y>>& loops = element_loops();
      sums =
          parallel_row_sums<scalar_t>(in.sum.size(0), 3 * width, in.sum.options(),
                                      [&](int64_t begin, int64_t end, scalar_t* partial) {
                                        loops.norm_gradient(arguments, hash, begin, end, partial);
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
