#pragma once

#include <span>

#include "linformer/data/input_rows.h"
#include "linformer/nn/encoder.h"

namespace linformer {

/// Rows as an encoder reads them, padded on the right to the longest: ids (B, N); the mask is
/// undefined where nothing is padding. `segments`: the model has segment embeddings (rows without
/// token_type_ids are in segment 0). Every row needs an id at least.
EncoderInput row_input(std::span<const InputRow* const> rows, bool segments,
                       at::Device device = at::kCPU);

}  // namespace linformer
