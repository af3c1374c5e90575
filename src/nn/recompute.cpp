#include "recompute.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

struct Call : torch::CustomClassHolder {
  LayerFunction function;
  ForwardContext start;
  MixedPrecision precision = AutocastScope::current();
  size_t num_inputs = 0;
};

class Recompute : public torch::autograd::Function<Recompute> {
 public:
  /// `tensors`: the inputs, then the parameters.
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* ctx,
                                                const c10::intrusive_ptr<Call>& call,
                                                ForwardContext* context, at::TensorList tensors) {
    const Tensors inputs(tensors.begin(), tensors.begin() + static_cast<int64_t>(call->num_inputs));
    ctx->set_materialize_grads(false);
    ctx->save_for_backward(tensors.vec());
    ctx->saved_data["call"] = c10::IValue::make_capsule(call);
    return call->function(inputs, *context);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto call = c10::static_intrusive_pointer_cast<Call>(ctx->saved_data["call"].toCapsule());
    Tensors tensors = ctx->get_saved_variables();
    Tensors inputs;
    for (size_t i = 0; i < call->num_inputs; ++i) {
      inputs.push_back(tensors[i].detach().set_requires_grad(tensors[i].requires_grad()));
      tensors[i] = inputs.back();
    }
    Tensors outputs;
    {
      const at::AutoGradMode enable(true);
      const AutocastScope same_types(call->precision);
      ForwardContext again = call->start;
      outputs = call->function(inputs, again);
    }
    Tensors reached;
    Tensors upstream;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!grads[i].defined()) continue;
      reached.push_back(outputs[i]);
      upstream.push_back(grads[i]);
    }
    Tensors wanted;
    for (const at::Tensor& tensor : tensors) {
      if (tensor.requires_grad()) wanted.push_back(tensor);
    }
    const Tensors found = torch::autograd::grad(reached, wanted, upstream, /*retain_graph=*/false,
                                                /*create_graph=*/false, /*allow_unused=*/true);
    torch::autograd::variable_list result{at::Tensor(), at::Tensor()};  // call, context
    size_t next = 0;
    for (const at::Tensor& tensor : tensors) {
      result.push_back(tensor.requires_grad() ? found[next++] : at::Tensor());
    }
    return result;
  }
};

}  // namespace

Tensors forward_and_recompute(const LayerFunction& function, const Tensors& inputs,
                              const Tensors& parameters, ForwardContext& context) {
  auto call = c10::make_intrusive<Call>();
  call->function = function;
  call->start = context;
  call->num_inputs = inputs.size();
  Tensors tensors = inputs;
  tensors.insert(tensors.end(), parameters.begin(), parameters.end());
  return Recompute::apply(call, &context, at::TensorList(tensors));
}

}  // namespace linformer
