#include "linformer/kernels/gelu.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "gelu_kernels.h"
#include "implementations.h"
#include "reference/kernels.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

class BiasGelu : public torch::autograd::Function<BiasGelu> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& bias, GeluForm form) {
    TORCH_CHECK(x.is_contiguous(), "bias_gelu takes a contiguous input");
    ctx->save_for_backward({x, bias});
    ctx->saved_data["form"] = static_cast<int64_t>(form);
    return device_kernels(x).gelu->forward(x, bias, form);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const auto form = static_cast<GeluForm>(ctx->saved_data["form"].toInt());
    const GeluGradients gradients =
        device_kernels(saved[0]).gelu->backward(saved[0], saved[1], form, grads[0].contiguous());
    return {gradients.input, gradients.bias, at::Tensor()};
  }
};

}  // namespace

at::Tensor bias_gelu(const at::Tensor& input, const at::Tensor& bias, GeluForm form) {
  const GeluKernels* kernels = chosen_kernels(input).gelu;
  const at::Tensor x = kernels != nullptr && kernels->takes_low ? input : to_full(input);
  TORCH_CHECK(x.dim() == 2 && bias.size(0) == x.size(1),
              "bias_gelu takes an (R, C) input and a (C) bias");
  if (kernels == nullptr) return reference::bias_gelu(x, bias, form);
  return BiasGelu::apply(x, bias, form);
}

}  // namespace linformer
