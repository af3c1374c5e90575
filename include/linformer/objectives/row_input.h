#pragma once

#include <span>

#include "linformer/data/input_rows.h"
#include "linformer/nn/encoder.h"

namespace linformer {

/// Rows as input of an encoder, padded on the right to the longest: ids (B, N). The mask is
/// undefined if there is no padding, and always on the CPU (Encoder reads it there). `segments`:
/// the model has segment embeddings (rows without token_type_ids are in segment 0). Every row needs
/// at least one id.
EncoderInput row_input(std::span<const InputRow* const> rows, bool segments,
                       at::Device device = at::kCPU);

}  // namespace linformer
