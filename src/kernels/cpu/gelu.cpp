#include "linformer/kernels/gelu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "element_loops.h"
#include "elements.h"
#include "kernels.h"
#include "parallel_sums.h"

namespace linformer::cpu {
namespace {

template <class E>
const GeluFormLoops<E>& loops_of(GeluForm form) {
  const GeluLoops<E>& loops = element_loops();
  return form == GeluForm::kExact ? loops.exact_gelu : loops.tanh_gelu;
}

at::Tensor forward(const at::Tensor& input, const at::Tensor& bias, GeluForm form) {
  if (needs_float(input)) return forward(input.to(at::kFloat), bias, form).to(at::kHalf);
  at::Tensor output = at::empty_like(input);
  const int64_t width = input.size(1);
  LINFORMER_DISPATCH_CPU(input.scalar_type(), "bias_gelu", [&] {
    using E = Element<scalar_t>;
    const GeluFormLoops<E>& loops = loops_of<E>(form);
    const E* x = elements<scalar_t>(input);
    const auto* b = bias.data_ptr<ComputeType<E>>();
    E* y = elements<scalar_t>(output);
    at::parallel_for(0, input.size(0), 1, [&](int64_t begin, int64_t end) {
      loops.forward(x, b, y, begin, end, width);
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
    using E = Element<scalar_t>;
    using Sum = ComputeType<E>;
    const GeluFormLoops<E>& loops = loops_of<E>(form);
    grad_bias = parallel_row_sums<Sum>(
        input.size(0), input.size(1), bias.options(), [&](int64_t begin, int64_t end, Sum* sums) {
          loops.backward(elements<scalar_t>(input), bias.data_ptr<Sum>(),
                         elements<scalar_t>(upstream), elements<scalar_t>(grad_input), sums, begin,
                         end, input.size(1));
        });
  });
  return {grad_input, grad_bias};
}

}  // namespace

const GeluKernels gelu_kernels{forward, backward, /*takes_low=*/true};

}  // namespace linformer::cpu
