#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/nn/forward_context.h"

namespace linformer {

using Tensors = std::vector<at::Tensor>;
using LayerFunction = std::function<Tensors(const Tensors& inputs, ForwardContext& context)>;

/// Computes function(inputs, context) without keeping what its backward pass needs (activation
/// checkpointing, Chen et al. 2016). The backward pass runs the function again, from a copy of the
/// present context and in the same precision, so that dropout and rounding repeat exactly.
/// `parameters` are all leaves that the function uses. The function has to live until the backward
/// pass is over.
Tensors forward_and_recompute(const LayerFunction& function, const Tensors& inputs,
                              const Tensors& parameters, ForwardContext& context);

}  // namespace linformer
