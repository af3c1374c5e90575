#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace linformer {

/// The last dimension stretched from its size to `size`, linearly between entries; ends stay flat.
/// Computed in fp64.
at::Tensor stretch_last_dimension(const at::Tensor& tensor, int64_t size);

/// The last dimension repeated up to `size`.
at::Tensor tile_last_dimension(const at::Tensor& tensor, int64_t size);

}  // namespace linformer
