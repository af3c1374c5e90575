#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/data/batch.h"
#include "linformer/nn/forward_context.h"

namespace linformer {

/// The forward pass of an objective's micro-batches of one shape. Its inputs stay at one place in
/// memory of the device, so that the pass can be recorded once and repeated (StepGraph).
class FixedShapePass {
 public:
  virtual ~FixedShapePass() = default;

  /// Makes a micro-batch the input. False, and nothing is changed, if it has another shape.
  virtual bool take(const Batch& batch) = 0;

  /// The sum of the losses of the input, as Objective::loss() gives it up to rounding.
  virtual at::Tensor loss_sum(ForwardContext& context) const = 0;
};

}  // namespace linformer
