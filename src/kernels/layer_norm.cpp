#include "linformer/kernels/layer_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "implementations.h"
#include "layer_norm_kernels.h"
#include "optional_tensor.h"
#include "reference/kernels.h"
#include "saved_site.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

at::Tensor only_if(bool wanted, const at::Tensor& gradient) {
  return wanted ? gradient : at::Tensor();
}

class ResidualNormFunction : public torch::autograd::Function<ResidualNormFunction> {
 public:
  static torch::autograd::variable_list forward(
      torch::autograd::AutogradContext* ctx, const at::Tensor& x, const OptionalTensor& bias,
      const OptionalTensor& residual, const at::Tensor& weight, const OptionalTensor& shift,
      const OptionalTensor& rows, const NormOptions& options) {
    const NormInputs inputs{x,      bias.value_or(at::Tensor()),  residual.value_or(at::Tensor()),
                            weight, shift.value_or(at::Tensor()), rows.value_or(at::Tensor())};
    TORCH_CHECK(x.is_contiguous() && (!residual || residual->is_contiguous()),
                "layer norm takes a contiguous input and residual");
    const NormResult result = device_kernels(x).norm->forward(inputs, options);
    ctx->set_materialize_grads(false);
    ctx->save_for_backward({result.sum, result.mean, result.inverse_stddev, weight, inputs.rows});
    ctx->saved_data["has_bias"] = bias.has_value();
    ctx->saved_data["has_residual"] = residual.has_value();
    ctx->saved_data["has_shift"] = shift.has_value();
    save_site(*ctx, options.dropout);
    ctx->saved_data["x_type"] = static_cast<int64_t>(x.scalar_type());
    return {result.sum, result.normalized};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const bool has_shift = ctx->saved_data["has_shift"].toBool();
    const NormBackwardInputs inputs{saved[0],
                                    saved[1],
                                    saved[2],
                                    saved[3],
                                    grads[0].defined() ? grads[0].contiguous() : at::Tensor(),
                                    grads[1].defined() ? grads[1].contiguous() : at::Tensor(),
                                    static_cast<at::ScalarType>(ctx->saved_data["x_type"].toInt()),
                                    has_shift,
                                    saved[4],
                                    saved_site(*ctx)};
    const NormGradients gradients = device_kernels(inputs.sum).norm->backward(inputs);
    return {gradients.x,
            only_if(ctx->saved_data["has_bias"].toBool(), gradients.bias),
            only_if(ctx->saved_data["has_residual"].toBool(), gradients.residual),
            gradients.weight,
            only_if(has_shift, gradients.shift),
            at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

ResidualNorm bias_dropout_residual_layer_norm(const at::Tensor& input, const at::Tensor& bias,
                                              const at::Tensor& residual_in,
                                              const at::Tensor& weight, const at::Tensor& shift,
                                              double epsilon, const DropoutSite& site,
                                              NormReaders readers, const at::Tensor& rows) {
  const NormKernels* kernels = chosen_kernels(input).norm;
  const bool takes_low = kernels != nullptr && kernels->takes_low;
  const at::Tensor x = takes_low ? input : to_full(input);
  const at::Tensor residual = to_full(residual_in);
  TORCH_CHECK(x.dim() == 2 && (!residual.defined() || residual.sizes() == x.sizes()),
              "layer norm takes an (R, C) input and a residual of its shape");
  TORCH_CHECK(!rows.defined() || (rows.scalar_type() == at::kLong && rows.is_contiguous() &&
                                  rows.sizes() == x.sizes().slice(0, 1)),
              "layer norm takes one int64 number for each row");
  NormOptions options{epsilon, site, {}};
  if (kernels == nullptr) {
    return reference::residual_norm({x, bias, residual, weight, shift, rows}, options);
  }
  const MixedPrecision precision = AutocastScope::current();
  if (takes_low && readers == NormReaders::kProducts && precision.active() &&
      x.scalar_type() != at::kDouble) {
    options.low_norm = precision.type();
  }
  const auto outputs =
      ResidualNormFunction::apply(x, to_optional(bias), to_optional(residual), weight,
                                  to_optional(shift), to_optional(rows), options);
  return {outputs[0], outputs[1]};
}

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& shift,
                      double epsilon, NormReaders readers) {
  return bias_dropout_residual_layer_norm(x, {}, {}, weight, shift, epsilon, {}, readers)
      .normalized;
}

}  // namespace linformer
