#pragma once

#include <algorithm>
#include <cstdint>

namespace linformer::cuda {

/// Number types that the launch functions of this folder take, behind untyped pointers.
enum class ElementType { kFloat, kDouble, kBf16, kFp16 };

/// The number of strips of rows that a kernel sums separately. Each strip gives one row of partial
/// sums. It depends on the shape alone, so that sums have the same order in each run.
inline int64_t row_strips(int64_t rows, int64_t width) {
  constexpr int64_t kRowsAtLeast = 32;
  constexpr int64_t kBlocks = 1024;
  constexpr int64_t kColumns = 128;  // of a block
  const int64_t blocks_wide = std::max<int64_t>(1, (width + kColumns - 1) / kColumns);
  const int64_t wanted = std::max<int64_t>(1, kBlocks / blocks_wide);
  return std::clamp<int64_t>((rows + kRowsAtLeast - 1) / kRowsAtLeast, 1, wanted);
}

}  // namespace linformer::cuda
