#include "packed_attention.h"

#include "element_loops.h"

namespace linformer::cpu {
namespace {

/// Keys that a tile's products cover: those that its queries see, in steps that keep the number of
/// different shapes small, since oneDNN generates code for each.
Range covered_keys(const AttentionShape& s, const Range& positions) {
  constexpr int64_t kStep = 32;
  const Range seen = visible_keys(s, positions);
  return {seen.begin / kStep * kStep, std::min(s.keys, (seen.end + kStep - 1) / kStep * kStep)};
}

/// A tile's rows in the type of the products.
template <class T>
struct Rows {
  T* data;
  int64_t stride;
};

/// Memory of a thread, kept between heads.
template <class T>
struct Workspace {
  std::vector<float> scores, upstream, product, key_sums, value_sums;
  std::vector<T> rows, interleaved, key_columns, value_columns, keys, values, queries, outputs;
};

template <class T>
Workspace<T>& workspace() {
  thread_local Workspace<T> memory;
  return memory;
}

/// The tile's numbers (count, span) in type T, with zeros in the padding column. Floats stay where
/// they are.
template <class T>
Rows<T> in_type(float* tile, int64_t count, int64_t span, std::vector<T>& memory) {
  if constexpr (std::is_same_v<T, float>) {
    return {tile, span};
  } else {
    const int64_t stride = padded<T>(span);
    T* const rows = tile_memory(memory, count * stride);
    store_rows(tile, span, rows, stride, count, span, stride);
    return {rows, stride};
  }
}

/// The tile (count, span) as the right factor of a product over the queries.
template <class T>
const T* packed_tile(float* tile, int64_t count, int64_t span, std::vector<T>& memory) {
  if constexpr (std::is_same_v<T, float>) {
    return tile;
  } else {
    T* const packed = tile_memory(memory, padded<T>(count) * span);
    pack_rows(tile, span, count, span, packed);
    return packed;
  }
}

/// Rows [first, first + count) of x as columns: (width, padded count).
template <class T>
Rows<T> columns_of(const T* rows, int64_t stride, int64_t count, int64_t width,
                   std::vector<T>& memory) {
  const int64_t ld = padded<T>(count);
  T* const columns = tile_memory(memory, width * ld);
  transpose(rows, stride, count, width, columns, ld);
  if (ld > count) {
    for (int64_t c = 0; c < width; ++c) columns[c * ld + count] = T(0.0F);
  }
  return {columns, ld};
}

/// K or V packed as (D, keys), for products over the head's width.
template <class T>
const T* by_width(const T* x, const AttentionShape& s, std::vector<T>& memory) {
  T* const packed = tile_memory(memory, s.head_width * s.keys);
  pack_columns(x, s.channels(), s.head_width, s.keys, packed);
  return packed;
}

/// K or V packed as (keys, D), for products over the keys.
template <class T>
const T* by_keys(const T* x, const AttentionShape& s, std::vector<T>& memory) {
  T* const packed = tile_memory(memory, padded<T>(s.keys) * s.head_width);
  pack_rows(x, s.channels(), s.keys, s.head_width, packed);
  return packed;
}

/// Where column `begin` of a packed (k, n) starts. In bf16, a column is a pair.
template <class T>
const T* from_column(const T* packed, int64_t begin) {
  return packed + begin * (std::is_same_v<T, float> ? 1 : 2);
}

/// Writes the transpose of sums (D, keys) into rows of keys.
template <class T>
void store_columns(const float* sums, const AttentionShape& s, T* to) {
  float* const rows = tile_memory(workspace<T>().product, s.keys * s.head_width);
  transpose(sums, s.keys, s.head_width, s.keys, rows, s.head_width);
  store_rows(rows, s.head_width, to, s.channels(), s.keys, s.head_width, s.head_width);
}

}  // namespace

template <class T>
void packed_forward(const AttentionShape& s, const PackedHead<T>& head, const DropoutHash& hash,
                    T* output, float* log_sums) {
  const AttentionLoops<float>& loops = element_loops();
  Workspace<T>& memory = workspace<T>();
  const int64_t width = s.head_width;
  const int64_t stride = s.channels();
  const float scale = 1.0F / std::sqrt(static_cast<float>(width));
  const T* const key = by_width(head.key, s, memory.key_columns);
  const T* const value = by_keys(head.value, s, memory.values);
  const int64_t rows = tile_rows(s);
  for (int64_t first = 0; first < s.queries; first += rows) {
    const int64_t count = std::min(rows, s.queries - first);
    const Range keys = covered_keys(s, head.positions.around(first, count));
    const int64_t span = keys.size();
    float* const tile = tile_memory(memory.scores, count * span);
    packed_product(count, span, width, head.query + first * stride, stride,
                   from_column(key, keys.begin), s.keys, tile, span, /*add=*/false);
    for (int64_t r = 0; r < count; ++r) {
      float* const row = tile + r * span;
      const int64_t position = head.positions.of(first + r);
      const Range own = keys_in_row(s, keys, position);
      clear_outside(row, own, span);
      log_sums[first + r] = loops.softmax(
          row + own.begin, scale, offset_mask(head.mask, keys.begin + own.begin), own.size());
      if (hash.active()) {
        loops.dropout(row, row, hash, element_index(s, head.batch_head, position, keys.begin),
                      span);
      }
    }
    const Rows<T> probabilities = in_type(tile, count, span, memory.rows);
    float* const product = tile_memory(memory.product, count * width);
    packed_product(count, width, padded<T>(span), probabilities.data, probabilities.stride,
                   value + keys.begin * width, width, product, width, /*add=*/false);
    store_rows(product, width, output + first * stride, stride, count, width, width);
  }
}

template <class T>
void packed_backward(const AttentionShape& s, const PackedHead<T>& head, const DropoutHash& hash,
                     const T* output, const T* upstream, const float* log_sums,
                     const HeadGradients<T>& gradients) {
  const AttentionLoops<float>& loops = element_loops();
  const DotLoops<Element<T>>& sums = element_loops();
  Workspace<T>& memory = workspace<T>();
  const int64_t width = s.head_width;
  const int64_t stride = s.channels();
  const float scale = 1.0F / std::sqrt(static_cast<float>(width));
  const T* const key_columns = by_width(head.key, s, memory.key_columns);
  const T* const value_columns = by_width(head.value, s, memory.value_columns);
  const T* const key = by_keys(head.key, s, memory.keys);
  float* const key_sums = tile_memory(memory.key_sums, width * s.keys);
  float* const value_sums = tile_memory(memory.value_sums, width * s.keys);
  std::fill(key_sums, key_sums + width * s.keys, 0.0F);
  std::fill(value_sums, value_sums + width * s.keys, 0.0F);
  const int64_t rows = tile_rows(s);
  for (int64_t first = 0; first < s.queries; first += rows) {
    const int64_t count = std::min(rows, s.queries - first);
    const Range keys = covered_keys(s, head.positions.around(first, count));
    const int64_t span = keys.size();
    const T* const query = head.query + first * stride;
    const T* const d_out = upstream + first * stride;
    float* const scores = tile_memory(memory.scores, count * span);
    float* const dp = tile_memory(memory.upstream, count * span);
    packed_product(count, span, width, query, stride, from_column(key_columns, keys.begin), s.keys,
                   scores, span, /*add=*/false);
    packed_product(count, span, width, d_out, stride, from_column(value_columns, keys.begin),
                   s.keys, dp, span, /*add=*/false);
    for (int64_t r = 0; r < count; ++r) {
      // dO . O, which is rowsum(dP * P)
      const float delta =
          sums.dot(bits_of(d_out + r * stride), bits_of(output + (first + r) * stride), width);
      const int64_t position = head.positions.of(first + r);
      const Range own = keys_in_row(s, keys, position);
      clear_outside(scores + r * span, own, span);
      clear_outside(dp + r * span, own, span);
      const int64_t begin = keys.begin + own.begin;
      loops.softmax_gradient(scores + r * span + own.begin, dp + r * span + own.begin, scale,
                             offset_mask(head.mask, begin), log_sums[first + r], delta, scale, hash,
                             element_index(s, head.batch_head, position, begin), own.size());
    }
    const Rows<T> ds = in_type(dp, count, span, memory.rows);
    float* const product = tile_memory(memory.product, count * width);
    packed_product(count, width, padded<T>(span), ds.data, ds.stride, key + keys.begin * width,
                   width, product, width, /*add=*/false);
    store_rows(product, width, gradients.query + first * stride, stride, count, width, width);
    // dK^T = Q^T dS and dV^T = dO^T dropout(P): the tiles need no transpose then.
    const Rows<T> queries = columns_of(query, stride, count, width, memory.queries);
    packed_product(width, span, padded<T>(count), queries.data, queries.stride,
                   packed_tile(dp, count, span, memory.interleaved), span, key_sums + keys.begin,
                   s.keys, /*add=*/true);
    const Rows<T> outputs = columns_of(d_out, stride, count, width, memory.outputs);
    packed_product(width, span, padded<T>(count), outputs.data, outputs.stride,
                   packed_tile(scores, count, span, memory.interleaved), span,
                   value_sums + keys.begin, s.keys, /*add=*/true);
  }
  store_columns(key_sums, s, gradients.key);
  store_columns(value_sums, s, gradients.value);
}

template void packed_forward(const AttentionShape&, const PackedHead<float>&, const DropoutHash&,
                             float*, float*);
template void packed_forward(const AttentionShape&, const PackedHead<at::BFloat16>&,
                             const DropoutHash&, at::BFloat16*, float*);
template void packed_backward(const AttentionShape&, const PackedHead<float>&, const DropoutHash&,
                              const float*, const float*, const float*,
                              const HeadGradients<float>&);
template void packed_backward(const AttentionShape&, const PackedHead<at::BFloat16>&,
                              const DropoutHash&, const at::BFloat16*, const at::BFloat16*,
                              const float*, const HeadGradients<at::BFloat16>&);

}  // namespace linformer::cpu
