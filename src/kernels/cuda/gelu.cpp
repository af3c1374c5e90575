#include "bias_gelu.h"
#include "device_memory.h"
#include "kernels.h"

namespace linformer::cuda {
namespace {

BiasGeluArguments arguments_of(const at::Tensor& x, const at::Tensor& bias, GeluForm form) {
  BiasGeluArguments arguments;
  arguments.type = element_type(x);
  arguments.x = read_only(x);
  arguments.bias = read_only(bias);
  arguments.rows = x.size(0);
  arguments.width = x.size(1);
  arguments.tanh_form = form == GeluForm::kTanh;
  return arguments;
}

at::Tensor forward(const at::Tensor& x, const at::Tensor& bias_in, GeluForm form) {
  const at::Tensor bias = bias_in.contiguous();
  at::Tensor output = at::empty_like(x);
  BiasGeluArguments arguments = arguments_of(x, bias, form);
  arguments.output = output.data_ptr();
  launch_on(x, bias_gelu_forward, arguments);
  return output;
}

GeluGradients backward(const at::Tensor& x, const at::Tensor& bias_in, GeluForm form,
                       const at::Tensor& upstream) {
  const at::Tensor bias = bias_in.contiguous();
  at::Tensor output = at::empty_like(x);
  if (x.numel() == 0) return {output, at::zeros_like(bias)};
  const at::Tensor sums =
      at::empty({row_strips(x.size(0), x.size(1)), x.size(1)}, compute_options(x));
  BiasGeluArguments arguments = arguments_of(x, bias, form);
  arguments.upstream = read_only(upstream);
  arguments.output = output.data_ptr();
  arguments.bias_sums = sums.data_ptr();
  launch_on(x, bias_gelu_backward, arguments);
  return {output, sums.sum(0)};
}

}  // namespace

const GeluKernels gelu_kernels{forward, backward, /*takes_low=*/true};

}  // namespace linformer::cuda
