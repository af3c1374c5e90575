#include "linformer/kernels/linear_cross_entropy.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "implementations.h"
#include "linear_cross_entropy_kernels.h"
#include "reference/kernels.h"

#include "linformer/kernels/int8_scope.h"
#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

/// The inputs of the kernels, with the output matrix in the type of the products. Only bf16 is used
/// here: gradients are computed in the forward pass, before a loss scale could lift them into the
/// range of fp16.
LossInputs inputs_of(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
                     const at::Tensor& labels) {
  const bool low = AutocastScope::current().type() == at::kBFloat16;
  return {hidden.contiguous(), weight, low ? cast_weight(weight).detach() : at::Tensor(), bias,
          labels.contiguous()};
}

at::Tensor losses_of(const LossInputs& inputs, at::Tensor* best) {
  const AutocastScope own_types{MixedPrecision()};
  return device_kernels(inputs.hidden).loss->losses(inputs, best);
}

LossGradients losses_and_gradients_of(const LossInputs& inputs) {
  const AutocastScope own_types{MixedPrecision()};
  return device_kernels(inputs.hidden).loss->losses_and_gradients(inputs);
}

at::Tensor sum_in_double(const at::Tensor& losses) {
  return losses.sum(at::kDouble).to(losses.scalar_type());
}

class LinearCrossEntropy : public torch::autograd::Function<LinearCrossEntropy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& hidden,
                            const at::Tensor& weight, const at::Tensor& bias,
                            const at::Tensor& labels) {
    const LossGradients result = losses_and_gradients_of(inputs_of(hidden, weight, bias, labels));
    ctx->save_for_backward({result.hidden, result.weight, result.bias});
    return sum_in_double(result.losses);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    auto saved = ctx->get_saved_variables();
    const bool reads = !device_kernels(saved[0]).loss->waits_for_numbers;
    const bool is_one = reads && grads[0].item<double>() == 1.0;
    if (!is_one) {
      for (at::Tensor& gradient : saved) gradient = gradient * grads[0].to(gradient.scalar_type());
    }
    return {saved[0], saved[1], saved[2], at::Tensor()};
  }
};

/// The kernels for training on the device of `hidden`; null: the reference implementation.
const LossKernels* training_kernels(const at::Tensor& hidden) {
  const LossKernels* const kernels = chosen_kernels(hidden).loss;
  const bool fp16 = AutocastScope::current().type() == at::kHalf;
  return kernels == nullptr || (fp16 && !kernels->for_fp16) ? nullptr : kernels;
}

void check(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
           const at::Tensor& labels) {
  TORCH_CHECK(hidden.dim() == 2 && weight.dim() == 2 && hidden.size(1) == weight.size(1) &&
                  bias.size(0) == weight.size(0) && labels.size(0) == hidden.size(0),
              "linear_cross_entropy takes hidden (M, C), weight (V, C), bias (V), labels (M)");
}

at::Tensor rows_of(const at::Tensor& hidden_in, const at::Tensor& weight, const at::Tensor& bias,
                   const at::Tensor& labels, at::Tensor* best) {
  const at::Tensor hidden = to_full(hidden_in);
  check(hidden, weight, bias, labels);
  const at::NoGradGuard no_grad;
  if (chosen_kernels(hidden).loss == nullptr) {
    return reference::cross_entropy_rows(hidden, weight, bias, labels, best);
  }
  return losses_of(inputs_of(hidden, weight, bias, labels), best);
}

}  // namespace

at::Tensor linear_cross_entropy(const at::Tensor& hidden_in, const at::Tensor& weight,
                                const at::Tensor& bias, const at::Tensor& labels) {
  const at::Tensor hidden = to_full(hidden_in);
  check(hidden, weight, bias, labels);
  if (hidden.size(0) == 0) return hidden.sum() + weight.narrow(0, 0, 1).sum() * 0.0;
  if (training_kernels(hidden) == nullptr) {
    return sum_in_double(reference::cross_entropy_rows(hidden, weight, bias, labels, nullptr));
  }
  if (!at::GradMode::is_enabled()) {
    return sum_in_double(losses_of(inputs_of(hidden, weight, bias, labels), nullptr));
  }
  TORCH_CHECK(!Int8Scope::active(), "products in int8 have no gradients");
  return LinearCrossEntropy::apply(hidden, weight, bias, labels);
}

at::Tensor linear_cross_entropy_rows(const at::Tensor& hidden, const at::Tensor& weight,
                                     const at::Tensor& bias, const at::Tensor& labels) {
  return rows_of(hidden, weight, bias, labels, nullptr);
}

RowScores linear_cross_entropy_scores(const at::Tensor& hidden, const at::Tensor& weight,
                                      const at::Tensor& bias, const at::Tensor& labels) {
  RowScores scores;
  scores.losses = rows_of(hidden, weight, bias, labels, &scores.best);
  return scores;
}

}  // namespace linformer
