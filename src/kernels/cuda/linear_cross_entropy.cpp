#include <algorithm>

#include "cross_entropy_rows.h"
#include "device_memory.h"
#include "kernels.h"

namespace linformer::cuda {
namespace {

constexpr int64_t kMaxLogits = 128 << 20;  // 256 MiB in bf16, enough to fill a large device

/// The losses of all rows in pieces, whose logits are in memory one after the other. Calls
/// `with_gradient(piece of hidden in the products' type, dz, first row)` for each if `gradients`.
template <class Use>
at::Tensor work_through(const LossInputs& in, at::Tensor* best, bool gradients,
                        const Use& with_gradient) {
  const int64_t rows = in.hidden.size(0);
  const int64_t vocabulary = in.weight.size(0);
  const int64_t step = std::max<int64_t>(128, kMaxLogits / vocabulary);
  const at::Tensor weight = in.low_weight.defined() ? in.low_weight : in.weight;
  const at::Tensor bias = in.bias.contiguous();
  const at::Tensor losses = at::empty({rows}, in.hidden.options());
  if (best != nullptr) *best = at::empty({rows}, in.labels.options());
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t count = std::min(step, rows - first);
    const at::Tensor piece = in.hidden.narrow(0, first, count).to(weight.scalar_type());
    const at::Tensor logits = at::mm(piece, weight.t());
    CrossEntropyRowsArguments arguments;
    arguments.type = element_type(logits);
    arguments.rows = count;
    arguments.vocabulary = vocabulary;
    arguments.gradients = gradients;
    arguments.logits = logits.data_ptr();
    arguments.bias = bias.const_data_ptr();
    arguments.labels = in.labels.const_data_ptr<int64_t>() + first;
    arguments.losses = losses.narrow(0, first, count).data_ptr();
    if (best != nullptr) arguments.best = best->data_ptr<int64_t>() + first;
    launch_on(logits, cross_entropy_rows, arguments);
    if (gradients) with_gradient(piece, logits, first);
  }
  return losses;
}

at::Tensor losses_of(const LossInputs& in, at::Tensor* best) {
  return work_through(in, best, false, [](const at::Tensor&, const at::Tensor&, int64_t) {});
}

LossGradients losses_and_gradients(const LossInputs& in) {
  const at::Tensor weight = in.low_weight.defined() ? in.low_weight : in.weight;
  const at::ScalarType full = in.hidden.scalar_type();
  LossGradients grads;
  grads.hidden = at::empty_like(in.hidden);
  const auto add = [](at::Tensor& sum, const at::Tensor& part) {
    sum = sum.defined() ? sum.add_(part) : part;
  };
  grads.losses = work_through(in, nullptr, true,
                              [&](const at::Tensor& piece, const at::Tensor& dz, int64_t first) {
                                grads.hidden.narrow(0, first, dz.size(0)).copy_(at::mm(dz, weight));
                                add(grads.weight, at::mm(dz.t(), piece).to(full));
                                add(grads.bias, at::sum(dz, {0}, /*keepdim=*/false, full));
                              });
  return grads;
}

}  // namespace

const LossKernels loss_kernels{losses_of, losses_and_gradients, /*for_fp16=*/false,
                               /*waits_for_numbers=*/true};

}  // namespace linformer::cuda
