#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace linformer {

/// Stretches the last dimension to `size`, linearly between entries; the ends stay flat. Computed
/// in fp64.
at::Tensor stretch_last_dimension(const at::Tensor& tensor, int64_t size);

/// Repeats the last dimension up to `size`.
at::Tensor tile_last_dimension(const at::Tensor& tensor, int64_t size);

}  // namespace linformer
