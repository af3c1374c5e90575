#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"

namespace linformer {

/// The structure that attention.init gives a matrix (k, n), to which noise is added; undefined for
/// pure noise.
///
///   normal         nothing
///   block_average  row i averages the columns [i n/k, (i+1) n/k)
///   strided        row i picks the column floor((i + 1/2) n/k)
///   jl             nothing
at::Tensor start_structure(ProjectionInit init, int64_t k, int64_t n);

/// The standard deviation of the noise: for normal 0.02, the effective start of the official code;
/// with a structure a tenth of that, so that rows and heads differ; for jl 1 / sqrt(k), the
/// construction in the paper's theorems.
double start_stddev(ProjectionInit init, int64_t k);

}  // namespace linformer
