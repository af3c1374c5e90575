#pragma once

namespace linformer {

/// Speed of a large fp32 matrix multiplication with the threads set now, in FLOP a second: the
/// best of a few products of two 2048 x 2048 matrices. Takes about half a second.
double measure_matmul_peak();

}  // namespace linformer
