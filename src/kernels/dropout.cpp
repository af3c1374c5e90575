#include "linformer/kernels/dropout.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "dropout_kernels.h"
#include "implementations.h"
#include "optional_tensor.h"
#include "reference/kernels.h"
#include "saved_site.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

at::Tensor scale_kept(const at::Tensor& input, const DropoutSite& site, const at::Tensor& rows) {
  const at::Tensor x = input.contiguous();
  const DropoutKernels* kernels = chosen_kernels(x).dropout;
  return kernels == nullptr ? reference::scale_kept(x, site, rows)
                            : kernels->scale_kept(x, site, rows);
}

// Used for the reference implementation too: LibTorch's derivative would keep the scales until the
// backward pass.
class DropoutFunction : public torch::autograd::Function<DropoutFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& input,
                            const OptionalTensor& rows, const DropoutSite& site) {
    ctx->save_for_backward({rows.value_or(at::Tensor())});
    save_site(*ctx, site);
    return scale_kept(input, site, rows.value_or(at::Tensor()));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    return {scale_kept(grads[0], saved_site(*ctx), ctx->get_saved_variables()[0]), at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& input, const DropoutSite& site, const at::Tensor& rows) {
  TORCH_CHECK(!rows.defined() || (rows.scalar_type() == at::kLong && rows.is_contiguous() &&
                                  input.dim() == 2 && rows.sizes() == input.sizes().slice(0, 1)),
              "dropout takes one int64 number for each row of an (R, C) input");
  if (site.probability == 0.0) return input;
  return DropoutFunction::apply(to_full(input), to_optional(rows), site);
}

at::Tensor dropout_scale(at::IntArrayRef sizes, at::ScalarType dtype, const DropoutSite& site) {
  return scale_kept(at::ones(sizes, at::TensorOptions().dtype(dtype)), site, /*rows=*/{});
}

}  // namespace linformer
