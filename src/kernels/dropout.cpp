#include "linformer/kernels/dropout.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "dropout_kernels.h"
#include "implementations.h"
#include "reference/kernels.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

at::Tensor scale_kept(const at::Tensor& input, const DropoutSite& site) {
  const at::Tensor x = input.contiguous();
  const DropoutKernels* kernels = chosen_kernels(x).dropout;
  return kernels == nullptr ? reference::scale_kept(x, site) : kernels->scale_kept(x, site);
}

// Used for the reference implementation too: LibTorch's derivative would keep the scales until the
// backward pass.
class DropoutFunction : public torch::autograd::Function<DropoutFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& input,
                            const DropoutSite& site) {
    ctx->saved_data["probability"] = site.probability;
    ctx->saved_data["key"] = static_cast<int64_t>(site.key);
    return scale_kept(input, site);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const DropoutSite site{ctx->saved_data["probability"].toDouble(),
                           static_cast<uint64_t>(ctx->saved_data["key"].toInt())};
    return {scale_kept(grads[0], site), at::Tensor()};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& input, const DropoutSite& site) {
  if (site.probability == 0.0) return input;
  return DropoutFunction::apply(to_full(input), site);
}

at::Tensor dropout_scale(at::IntArrayRef sizes, at::ScalarType dtype, const DropoutSite& site) {
  return scale_kept(at::ones(sizes, at::TensorOptions().dtype(dtype)), site);
}

}  // namespace linformer
