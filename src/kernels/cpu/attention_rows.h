#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "../dropout_hash.h"

/// Parts of the CPU's attention that do not depend on how its products are computed.
namespace linformer::cpu {

// Letters: B batch, N queries, M keys, H heads, D head width, C = H * D.
// Of a sequence: its queries and keys. Sequences of one batch may differ in both.
struct AttentionShape {
  int64_t queries, keys, heads, head_width;
  int64_t length;    // positions of a whole sequence
  int64_t num_keys;  // keys of a whole sequence
  int64_t window;    // 0 = all keys, else those at most window / 2 away
  int64_t channels() const { return heads * head_width; }
};

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

/// The positions of a sequence's queries.
struct Positions {
  const int64_t* given;  // null: 0, 1, ...
  int64_t of(int64_t query) const { return given == nullptr ? query : given[query]; }

  /// From the lowest position of queries [first, first + count) to the highest.
  Range around(int64_t first, int64_t count) const {
    if (given == nullptr) return {first, first + count};
    const auto [low, high] = std::minmax_element(given + first, given + first + count);
    return {*low, *high + 1};
  }
};

/// Keys that queries at some of these positions attend to together.
inline Range visible_keys(const AttentionShape& s, const Range& positions) {
  if (s.window == 0) return {0, s.keys};
  return {std::max<int64_t>(0, positions.begin - s.window / 2),
          std::min(s.keys, positions.end + s.window / 2)};
}

/// Queries per tile: about 256 KiB of scores, so that a tile stays in the second-level cache.
inline int64_t tile_rows(const AttentionShape& shape) {
  if (shape.window > 0) {
    return std::min(shape.queries, std::clamp<int64_t>(shape.window / 2, 16, 128));
  }
  const int64_t rows = (64 * 1024) / std::max<int64_t>(1, shape.keys);
  return std::min(shape.queries, std::clamp<int64_t>(rows, 16, 128));
}

/// Sets a row to zero outside of `inside`.
template <class T>
void clear_outside(T* row, const Range& inside, int64_t size) {
  std::fill(row, row + inside.begin, T(0));
  std::fill(row + inside.end, row + size, T(0));
}

/// The place of a position's keys in its tile's row, which holds `tile`.
inline Range keys_in_row(const AttentionShape& s, const Range& tile, int64_t position) {
  const Range own = visible_keys(s, {position, position + 1});
  return {own.begin - tile.begin, own.end - tile.begin};
}

inline const bool* offset_mask(const bool* mask, int64_t offset) {
  return mask == nullptr ? nullptr : mask + offset;
}

inline uint32_t element_index(const AttentionShape& shape, int64_t batch_head, int64_t position,
                              int64_t key) {
  return static_cast<uint32_t>((batch_head * shape.length + position) * shape.num_keys + key);
}

/// Memory for a tile, which keeps what an earlier tile needed.
template <class T>
T* tile_memory(std::vector<T>& memory, int64_t size) {
  if (memory.size() < static_cast<size_t>(size)) memory.resize(static_cast<size_t>(size));
  return memory.data();
}

template <class T>
struct HeadGradients {
  T* query;
  T* key;
  T* value;
};

}  // namespace linformer::cpu
