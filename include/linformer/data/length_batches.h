#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace linformer {

/// The limits of a batch: rows, and positions once padded to its longest row. A single row may
/// always be longer.
struct BatchBounds {
  int64_t max_rows = 32;
  int64_t max_positions = 16384;
};

/// Divides rows into batches of similar length, so that little is padded. The result has indices
/// into `lengths`. The longest rows come first, so that a lack of memory shows at once; rows of one
/// length keep their order. A length of 0 means that there is no row; it is left out.
std::vector<std::vector<size_t>> length_batches(std::span<const size_t> lengths,
                                                const BatchBounds& bounds);

}  // namespace linformer
