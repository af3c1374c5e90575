#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace linformer {

/// A loss before normalisation. Sums and counts travel together; the division happens once, over
/// all micro-batches and processes of a step.
struct LossSum {
  at::Tensor sum;  ///< scalar; backward() gives gradients of the sum
  int64_t num_labels = 0;
};

}  // namespace linformer
