#include "linformer/kernels/weight_product.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "implementations.h"
#include "int8_product.h"
#include "optional_tensor.h"
#include "reference/kernels.h"
#include "weight_product_kernels.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

class WeightProduct : public torch::autograd::Function<WeightProduct> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& weight, const OptionalTensor& bias) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["has_bias"] = bias.has_value();
    return device_kernels(x).product->multiply(x, weight, bias.value_or(at::Tensor()));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor upstream = grads[0].contiguous();
    const ProductKernels& kernels = *device_kernels(x).product;
    torch::autograd::variable_list result(3);
    if (ctx->needs_input_grad(0)) result[0] = kernels.multiply(upstream, weight.t(), {});
    if (ctx->needs_input_grad(1)) result[1] = kernels.multiply_over_rows(upstream, x);
    if (ctx->saved_data["has_bias"].toBool() && ctx->needs_input_grad(2)) {
      result[2] = upstream.sum(0);
    }
    return result;
  }
};

/// Whether the device's own kernels take this product of operands of type `type`. A call costs some
/// microseconds, in which LibTorch has done a small product.
bool takes(const ProductKernels* kernels, at::ScalarType type, int64_t multiply_adds) {
  constexpr int64_t kSmall = 1 << 19;
  return kernels != nullptr && multiply_adds >= kSmall && kernels->outruns_libtorch(type);
}

}  // namespace

at::Tensor weight_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  TORCH_CHECK(x.dim() == 2 && weight.dim() == 2 && x.size(1) == weight.size(1) &&
                  (!bias.defined() || bias.size(0) == weight.size(0)),
              "weight_product takes x (M, K), a weight (N, K) and a bias (N)");
  if (const auto product = int8_product(x, weight, bias)) return *product;
  const MixedPrecision precision = AutocastScope::current();
  const at::ScalarType type = precision.active() ? precision.type() : x.scalar_type();
  const bool one_type = precision.active() || type == weight.scalar_type();
  if (one_type && takes(chosen_kernels(x).product, type, x.numel() * weight.size(0))) {
    return WeightProduct::apply(x.to(type), cast_weight(weight),
                                bias.defined() ? to_optional(cast_weight(bias)) : OptionalTensor());
  }
  return reference::weight_product(x, weight, bias);
}

}  // namespace linformer
