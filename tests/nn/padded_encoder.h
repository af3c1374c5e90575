#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/encoder.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/parameters.h"

namespace linformer::testing {

/// The encoder by its formulas, in LibTorch's operations, at every position of a batch whose rows
/// are padded on the right: (B, N, C). Masks and zeros keep padding out. It shares only the dropout
/// masks, the pooling of windows and the rescaling of rows with the library.
at::Tensor padded_hidden_states(const ModelConfig& config, const ParameterSet& parameters,
                                const EncoderInput& input, ForwardContext& context);

}  // namespace linformer::testing
