#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/nn/forward_context.h"

namespace linformer {

using Tensors = std::vector<at::Tensor>;
using LayerFunction = std::function<Tensors(const Tensors& inputs, ForwardContext& context)>;

/// function(inputs, context) without keeping what its backward pass needs; that pass runs it again
/// from a copy of the context as it is now and in the same precision, so dropout and rounding
/// repeat themselves (activation checkpointing, Chen et al. 2016). `parameters` are all leaves that
/// the function uses; the function has to live until the backward pass is over.
Tensors forward_and_recompute(const LayerFunction& function, const Tensors& inputs,
                              const Tensors& parameters, ForwardContext& context);

}  // namespace linformer
