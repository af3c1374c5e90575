#pragma once

#include <ATen/core/Tensor.h>

namespace linformer {

/// What linear_cross_entropy() (linformer/kernels/linear_cross_entropy.h) is given, M > 0.
///
/// Letters: M rows, C hidden width, V vocabulary.
struct LossInputs {
  at::Tensor hidden;      ///< (M, C) contiguous, float or double
  at::Tensor weight;      ///< (V, C) contiguous, in the type of `hidden`
  at::Tensor low_weight;  ///< its copy in bf16 for the products; undefined = `weight`
  at::Tensor bias;        ///< (V)
  at::Tensor labels;      ///< (M) int64 in [0, V) or kIgnoredLabel, contiguous
};

struct LossGradients {
  at::Tensor losses;                ///< (M)
  at::Tensor hidden, weight, bias;  ///< gradients of the sum of the losses
};

/// A device's chunked cross-entropy of an output layer, without the (M, V) logits as a whole:
///
///   z = hidden W^T + bias;   loss_m = log sum_v exp(z_mv) - z_m,label(m)
struct LossKernels {
  /// The losses (M). `best`, if not null, becomes the word with the largest logit of each row, the
  /// first of equal ones: (M) int64.
  at::Tensor (*losses)(const LossInputs& inputs, at::Tensor* best);

  /// The losses and the gradients, from the same logits: dz = softmax(z) - one_hot(label).
  LossGradients (*losses_and_gradients)(const LossInputs& inputs);

  /// Whether it serves training in fp16, with products in fp32: gradients that are computed in the
  /// forward pass know no loss scale. False: the reference implementation is faster.
  bool for_fp16 = true;

  /// Whether reading a number waits for the device, so that multiplying by it costs less.
  bool waits_for_numbers = false;
};

}  // namespace linformer
