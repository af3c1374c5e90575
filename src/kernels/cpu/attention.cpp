#include "linformer/kernels/attention.h"

#include <limits>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../dropout_hash.h"
#include "../element_functions.h"
#include "gemm.h"
#include "kernels.h"

namespace linformer::cpu {
namespace {

// Letters: B batch, N queries, M keys, H heads, D head width, C = H * D.
struct Shape {
  int64_t batch, queries, keys, heads, head_width;
  int64_t length;  // positions of a whole sequence
  int64_t window;  // 0 = all keys, else those at most window / 2 away
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
Range visible_keys(const Shape& s, const Range& positions) {
  if (s.window == 0) return {0, s.keys};
  return {std::max<int64_t>(0, positions.begin - s.window / 2),
          std::min(s.keys, positions.end + s.window / 2)};
}

/// Queries per tile: about 256 KiB of scores, so that a tile stays in the second-level cache.
int64_t tile_rows(const Shape& shape) {
  if (shape.window > 0) {
    return std::min(shape.queries, std::clamp<int64_t>(shape.window / 2, 16, 128));
  }
  const int64_t rows = (64 * 1024) / std::max<int64_t>(1, shape.keys);
  return std::min(shape.queries, std::clamp<int64_t>(rows, 16, 128));
}

uint32_t element_index(const Shape& shape, int64_t batch_head, int64_t position, int64_t key) {
  return static_cast<uint32_t>((batch_head * shape.length + position) * shape.keys + key);
}

/// Memory for a tile, which keeps what an earlier tile needed.
template <class T>
T* tile_memory(std::vector<T>& memory, int64_t size) {
  if (memory.size() < static_cast<size_t>(size)) memory.resize(static_cast<size_t>(size));
  return memory.data();
}

/// Sets a row to zero outside of `inside`.
template <class T>
void clear_outside(T* row, const Range& inside, int64_t size) {
  std::fill(row, row + inside.begin, T(0));
  std::fill(row + inside.end, row + size, T(0));
}

/// The place of a position's keys in its tile's row, which holds `tile`.
Range keys_in_row(const Shape& s, const Range& tile, int64_t position) {
  const Range own = visible_keys(s, {position, position + 1});
  return {own.begin - tile.begin, own.end - tile.begin};
}

const bool* offset_mask(const bool* mask, int64_t offset) {
  return mask == nullptr ? nullptr : mask + offset;
}

/// Turns a row of scores into exp(score - max) and returns log-sum-exp; masked keys become 0.
template <class T>
T softmax_row(T* scores, const bool* mask, int64_t keys) {
  constexpr T kLowest = -std::numeric_limits<T>::infinity();
  if (mask != nullptr) {
    for (int64_t m = 0; m < keys; ++m) scores[m] = mask[m] ? scores[m] : kLowest;
  }
  T largest = kLowest;
#pragma omp simd reduction(max : largest)
  for (int64_t m = 0; m < keys; ++m) largest = scores[m] > largest ? scores[m] : largest;
  if (largest == kLowest) {  // every key is masked
    std::fill(scores, scores + keys, T(0));
    return std::numeric_limits<T>::infinity();
  }
  T total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t m = 0; m < keys; ++m) {
    scores[m] = fast_exp(scores[m] - largest);
    total += scores[m];
  }
  if (mask != nullptr) {  // fast_exp never returns 0, but a masked key has to be exactly 0
    total = 0;
    for (int64_t m = 0; m < keys; ++m) {
      scores[m] = mask[m] ? scores[m] : T(0);
      total += scores[m];
    }
  }
  const T inverse = T(1) / total;
#pragma omp simd
  for (int64_t m = 0; m < keys; ++m) scores[m] *= inverse;
  return largest + std::log(total);
}

template <class T>
void forward_head(const Shape& s, const T* query, const T* key, const T* value, const bool* mask,
                  const Positions& positions, const DropoutHash& hash, int64_t batch_head,
                  T* output, T* log_sums) {
  const int64_t width = s.head_width;
  const int64_t stride = s.channels();
  const T scale = T(1) / std::sqrt(static_cast<T>(width));
  const int64_t rows = tile_rows(s);
  thread_local std::vector<T> memory;
  for (int64_t first = 0; first < s.queries; first += rows) {
    const int64_t count = std::min(rows, s.queries - first);
    const Range keys = visible_keys(s, positions.around(first, count));
    const int64_t span = keys.size();
    T* const tile = tile_memory(memory, count * span);
    gemm<T>(Transpose::kNo, Transpose::kYes, count, span, width, scale, query + first * stride,
            stride, key + keys.begin * stride, stride, T(0), tile, span);
    for (int64_t r = 0; r < count; ++r) {
      T* row = tile + r * span;
      const int64_t position = positions.of(first + r);
      const Range own = keys_in_row(s, keys, position);
      clear_outside(row, own, span);
      log_sums[first + r] =
          softmax_row(row + own.begin, offset_mask(mask, keys.begin + own.begin), own.size());
      if (hash.active()) {
        hash.apply(row, row, element_index(s, batch_head, position, keys.begin), span);
      }
    }
    gemm<T>(Transpose::kNo, Transpose::kNo, count, width, span, T(1), tile, span,
            value + keys.begin * stride, stride, T(0), output + first * stride, stride);
  }
}

template <class T>
struct HeadGradients {
  T* query;
  T* key;
  T* value;
};

// One row of the backward pass. Input: scores (scaled Q K^T) and dp = dO V^T. Output: the
// probabilities after dropout (for dV) in scores, and dS = P * (dP - delta) * scale in dp.
template <class T>
void backward_row(T* scores, T* dp, const bool* mask, T log_sum, T delta, T scale,
                  const DropoutHash& hash, uint32_t first, int64_t keys) {
  if (hash.active()) hash.apply(dp, dp, first, keys);
#pragma omp simd
  for (int64_t m = 0; m < keys; ++m) {
    const T probability = fast_exp(scores[m] - log_sum);
    dp[m] = probability * (dp[m] - delta) * scale;
    scores[m] = probability;
  }
  if (hash.active()) hash.apply(scores, scores, first, keys);
  if (mask == nullptr) return;
  for (int64_t m = 0; m < keys; ++m) {
    dp[m] = mask[m] ? dp[m] : T(0);
    scores[m] = mask[m] ? scores[m] : T(0);
  }
}

template <class T>
void backward_head(const Shape& s, const T* query, const T* key, const T* value, const bool* mask,
                   const Positions& positions, const DropoutHash& hash, int64_t batch_head,
                   const T* output, const T* upstream, const T* log_sums,
                   const HeadGradients<T>& grads) {
  const int64_t width = s.head_width;
  const int64_t stride = s.channels();
  const T scale = T(1) / std::sqrt(static_cast<T>(width));
  const int64_t rows = tile_rows(s);
  thread_local std::vector<T> score_tile;
  thread_local std::vector<T> grad_tile;
  for (int64_t first = 0; first < s.queries; first += rows) {
    const int64_t count = std::min(rows, s.queries - first);
    const Range keys = visible_keys(s, positions.around(first, count));
    const int64_t span = keys.size();
    T* const scores = tile_memory(score_tile, count * span);
    T* const dp = tile_memory(grad_tile, count * span);
    const int64_t offset = keys.begin * stride;
    const T* q = query + first * stride;
    const T* d_out = upstream + first * stride;
    gemm<T>(Transpose::kNo, Transpose::kYes, count, span, width, scale, q, stride, key + offset,
            stride, T(0), scores, span);
    gemm<T>(Transpose::kNo, Transpose::kYes, count, span, width, T(1), d_out, stride,
            value + offset, stride, T(0), dp, span);
    for (int64_t r = 0; r < count; ++r) {
      T delta = 0;  // sum_m dP P = dO . O
      const T* o = output + (first + r) * stride;
#pragma omp simd reduction(+ : delta)
      for (int64_t c = 0; c < width; ++c) delta += d_out[r * stride + c] * o[c];
      const int64_t position = positions.of(first + r);
      const Range own = keys_in_row(s, keys, position);
      clear_outside(scores + r * span, own, span);
      clear_outside(dp + r * span, own, span);
      const int64_t begin = keys.begin + own.begin;
      backward_row(scores + r * span + own.begin, dp + r * span + own.begin,
                   offset_mask(mask, begin), log_sums[first + r], delta, scale, hash,
                   element_index(s, batch_head, position, begin), own.size());
    }
    // Windows of neighbouring tiles overlap, so their sums start from zero.
    const T accumulate = first == 0 && s.window == 0 ? T(0) : T(1);
    gemm<T>(Transpose::kNo, Transpose::kNo, count, width, span, T(1), dp, span, key + offset,
            stride, T(0), grads.query + first * stride, stride);
    gemm<T>(Transpose::kYes, Transpose::kNo, span, width, count, T(1), dp, span, q, stride,
            accumulate, grads.key + offset, stride);
    gemm<T>(Transpose::kYes, Transpose::kNo, span, width, count, T(1), scores, span, d_out, stride,
            accumulate, grads.value + offset, stride);
  }
}

Shape shape_of(const AttentionInputs& in, const AttentionOptions& options) {
  return {in.query.size(0),
          in.query.size(1),
          in.key.size(1),
          options.num_heads,
          in.query.size(2) / options.num_heads,
          options.length,
          options.window};
}

/// Calls body(bh, b, q_offset, k_offset) for each head of each sequence. The offsets say where its
/// columns begin in the queries and in the keys.
template <class Body>
void for_each_head(const Shape& s, const Body& body) {
  at::parallel_for(0, s.batch * s.heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t bh = begin; bh < end; ++bh) {
      const int64_t b = bh / s.heads;
      const int64_t column = (bh % s.heads) * s.head_width;
      body(bh, b, b * s.queries * s.channels() + column, b * s.keys * s.channels() + column);
    }
  });
}

const bool* mask_of(const AttentionInputs& in, int64_t batch) {
  return in.key_mask.defined() ? in.key_mask.data_ptr<bool>() + batch * in.key.size(1) : nullptr;
}

Positions positions_of(const AttentionInputs& in, int64_t batch) {
  if (!in.positions.defined()) return {nullptr};
  return {in.positions.data_ptr<int64_t>() + batch * in.query.size(1)};
}

AttentionResult forward(const AttentionInputs& in, const AttentionOptions& options) {
  const Shape s = shape_of(in, options);
  const DropoutHash hash(options.dropout.probability, options.dropout.key);
  AttentionResult out{at::empty_like(in.query),
                      at::empty({s.batch, s.heads, s.queries}, in.query.options())};
  AT_DISPATCH_FLOATING_TYPES(in.query.scalar_type(), "dropout_attention", [&] {
    for_each_head(s, [&](int64_t bh, int64_t b, int64_t q_offset, int64_t k_offset) {
      forward_head(s, in.query.data_ptr<scalar_t>() + q_offset,
                   in.key.data_ptr<scalar_t>() + k_offset, in.value.data_ptr<scalar_t>() + k_offset,
                   mask_of(in, b), positions_of(in, b), hash, bh,
                   out.output.data_ptr<scalar_t>() + q_offset,
                   out.log_sums.data_ptr<scalar_t>() + bh * s.queries);
    });
  });
  return out;
}

AttentionGradients backward(const AttentionInputs& in, const AttentionOptions& options,
                            const AttentionResult& result, const at::Tensor& upstream) {
  const Shape s = shape_of(in, options);
  const DropoutHash hash(options.dropout.probability, options.dropout.key);
  AttentionGradients grads{at::empty_like(in.query),
                           s.window > 0 ? at::zeros_like(in.key) : at::empty_like(in.key),
                           s.window > 0 ? at::zeros_like(in.value) : at::empty_like(in.value)};
  AT_DISPATCH_FLOATING_TYPES(in.query.scalar_type(), "dropout_attention_backward", [&] {
    for_each_head(s, [&](int64_t bh, int64_t b, int64_t q_offset, int64_t k_offset) {
      backward_head<scalar_t>(
          s, in.query.data_ptr<scalar_t>() + q_offset, in.key.data_ptr<scalar_t>() + k_offset,
          in.value.data_ptr<scalar_t>() + k_offset, mask_of(in, b), positions_of(in, b), hash, bh,
          result.output.data_ptr<scalar_t>() + q_offset, upstream.data_ptr<scalar_t>() + q_offset,
          result.log_sums.data_ptr<scalar_t>() + bh * s.queries,
          {grads.query.data_ptr<scalar_t>() + q_offset, grads.key.data_ptr<scalar_t>() + k_offset,
           grads.value.data_ptr<scalar_t>() + k_offset});
    });
  });
  return grads;
}

}  // namespace

const AttentionKernels attention_kernels{forward, backward};

}  // namespace linformer::cpu
