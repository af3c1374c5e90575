#include "matrix_projection.h"

#include <ATen/ATen.h>

#include "linformer/nn/project_sequence.h"

namespace linformer {
namespace {

at::Tensor rescaled(const at::Tensor& projection, const ProjectionInput& input,
                    const at::Tensor& projected) {
  if (!input.rescale_padding) return projected;
  return rescale_rows(projection, input.tokens.mask, input.length(), projected);
}

/// E x of packed rows (T, C).
at::Tensor mix(const at::Tensor& projection, const ProjectionInput& input, const at::Tensor& x) {
  return rescaled(projection, input, project_sequence(projection, pad_rows(x, input.tokens)));
}

/// Keys or values. `mixed`: E x, if computed already.
at::Tensor features(const at::Tensor& projection, const at::Tensor& mixed,
                    const ProjectionInput& input, const Linear& linear) {
  const bool sequence_first = input.order == ProjectionOrder::kSequenceFirst;
  if (mixed.defined() && sequence_first) return apply(mixed, linear);
  const at::Tensor projected =
      mixed.defined() ? multiply(mixed, linear) : mix(projection, input, multiply(input.x, linear));
  if (sequence_first) return projected + linear.bias;
  return projected +
         rescaled(projection, input,
                  project_bias(projection, input.tokens.mask, input.length(), linear.bias));
}

}  // namespace

KeyValue MatrixProjection::project(const ProjectionInput& input) const {
  const auto& [E, F] = input.weights;
  const bool use_full_value =
      input.full_value.defined() && input.order == ProjectionOrder::kFeaturesFirst;
  at::Tensor mixed_keys;    // E x
  at::Tensor mixed_values;  // F x
  // E (x W) = (E x) W, so the order of the two products is free. The operand with fewer rows goes
  // through W: the k rows of E x for each sequence, or the rows of short sequences. With one E per
  // head, E_h x would have to be computed H times, so x W comes first.
  const bool mix_first = E.dim() == 2 && input.x.size(0) > input.tokens.num_sequences() * input.k;
  if (mix_first) {
    mixed_keys = mix(E, input, input.x);
    if (input.weights.shared_key_value()) {
      mixed_values = mixed_keys;
    } else if (!use_full_value) {
      mixed_values = mix(F, input, input.x);
    }
  }
  KeyValue result;
  result.key = features(E, mixed_keys, input, input.key);
  result.value = use_full_value ? mix(F, input, input.full_value)
                                : features(F, mixed_values, input, input.value);
  return result;
}

}  // namespace linformer
