#include <ATen/ATen.h>

#include "kernels.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer::reference {

at::Tensor cross_entropy_rows(const at::Tensor& hidden, const at::Tensor& weight,
                              const at::Tensor& bias, const at::Tensor& labels, at::Tensor* best) {
  const at::Tensor logits = to_full(at::mm(hidden, cast_weight(weight).t())) + bias;
  if (best != nullptr) *best = logits.argmax(1);
  const at::Tensor picked = logits.gather(1, labels.clamp_min(0).unsqueeze(1)).squeeze(1);
  return (at::logsumexp(logits, {1}) - picked).masked_fill(labels.lt(0), 0.0);
}

}  // namespace linformer::reference
