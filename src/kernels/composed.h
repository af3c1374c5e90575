#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/kernels/dropout.h"

namespace linformer {

/// Whether an operation on `x` takes the path of composed ATen operations: always off the CPU, on
/// the CPU where a ComposedPath asks for it. The fused kernels read CPU memory.
bool takes_composed_path(const at::Tensor& x);

/// Sends this thread's operations down the composed path while it lives, so that tests compare both
/// on the CPU.
class ComposedPath {
 public:
  ComposedPath();
  ~ComposedPath();
  ComposedPath(const ComposedPath&) = delete;
  ComposedPath& operator=(const ComposedPath&) = delete;

 private:
  bool outer_;
};

/// The scale 1 / (1 - probability) or 0 of every element of a contiguous tensor of these sizes, the
/// same bits as DropoutHash gives, by integer operations on tensors.
at::Tensor composed_dropout_scale(at::IntArrayRef sizes, const at::TensorOptions& options,
                                  const DropoutSite& site);

}  // namespace linformer
