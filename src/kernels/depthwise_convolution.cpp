#include "linformer/kernels/depthwise_convolution.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "depthwise_convolution_kernels.h"
#include "implementations.h"
#include "reference/kernels.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

class DepthwiseConvolution : public torch::autograd::Function<DepthwiseConvolution> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& base,
                            const at::Tensor& x, const at::Tensor& weight) {
    const at::Tensor input = x.contiguous();
    const at::Tensor taps = weight.squeeze(1).t().contiguous();
    ctx->save_for_backward({input, taps});
    return device_kernels(x).convolution->forward(base.contiguous(), input, taps);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor upstream = grads[0].contiguous();
    const ConvolutionGradients gradients =
        device_kernels(upstream).convolution->backward(saved[0], saved[1], upstream);
    return {upstream, gradients.x, gradients.taps.t().contiguous().unsqueeze(1)};
  }
};

}  // namespace

at::Tensor add_depthwise_convolution(const at::Tensor& base, const at::Tensor& x,
                                     const at::Tensor& weight) {
  TORCH_CHECK(weight.dim() == 3 && weight.size(1) == 1 && weight.size(2) % 2 == 1 &&
                  weight.size(0) == x.size(2),
              "add_depthwise_convolution takes a (C, 1, W) weight with odd W");
  const ConvolutionKernels* kernels = chosen_kernels(x).convolution;
  if (kernels == nullptr) {
    return reference::depthwise_convolution(to_full(base), to_full(x), weight);
  }
  if (kernels->takes_low && base.scalar_type() == x.scalar_type()) {
    return DepthwiseConvolution::apply(base, x, weight);
  }
  return DepthwiseConvolution::apply(to_full(base), to_full(x), weight);
}

}  // namespace linformer
