#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace linformer {

/// The positions of a batch (B, N) whose hidden states are wanted: M of them, at most P in a
/// sequence.
struct OutputRows {
  at::Tensor flat;       ///< (M) int64, b * N + i
  at::Tensor positions;  ///< (B, P) int64, the i of each sequence; its last one (or 0) fills it up
  at::Tensor places;     ///< (M) int64, where each of `flat` is in `positions`, b * P + p
};

/// `flat`: numbers b * N + i, ascending, each once.
OutputRows output_rows(const std::vector<int64_t>& flat, int64_t num_sequences, int64_t length,
                       at::Device device = at::kCPU);

/// The rows of x (B * N, C) at `rows.positions`: (B * P, C).
at::Tensor rows_at_positions(const at::Tensor& x, const OutputRows& rows);

}  // namespace linformer
