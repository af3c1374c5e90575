#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace linformer {

/// What a batch may hold: rows, and positions once padded to its longest row (one row may always
/// be longer).
struct BatchBounds {
  int64_t max_rows = 32;
  int64_t max_positions = 16384;
};

/// Divides rows into batches of rows of similar length, so that little is padded: the indices of
/// `lengths`, longest rows first (memory that does not suffice shows at once), rows of one length
/// in their order. A length of 0 is no row and is left out.
std::vector<std::vector<size_t>> length_batches(std::span<const size_t> lengths,
                                                const BatchBounds& bounds);

}  // namespace linformer
