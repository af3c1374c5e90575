#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"

namespace linformer {

/// What attention.init starts a matrix (k, n) with beside its noise; undefined for pure noise.
///
///   normal         nothing
///   block_average  row i averages the columns [i n/k, (i+1) n/k)
///   strided        row i picks the column floor((i + 1/2) n/k)
///   jl             nothing
at::Tensor start_structure(ProjectionInit init, int64_t k, int64_t n);

/// The standard deviation of the noise: 0.02, the official code's effective start, for normal; a
/// tenth of it beside a structure, so that rows and heads differ; 1 / sqrt(k) for jl, the
/// construction of the paper's theorems.
double start_deviation(ProjectionInit init, int64_t k);

}  // namespace linformer
