#include "linformer/kernels/attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../saved_site.h"
#include "attention_rows.h"
#include "element_loops.h"
#include "gemm.h"
#include "kernels.h"
#include "packed_attention.h"

namespace linformer::cpu {
namespace {

template <class T>
void forward_head(const AttentionShape& s, const T* query, const T* key, const T* value,
                  const bool* mask, const Positions& positions, const DropoutHash& hash,
                  int64_t batch_head, T* output, T* log_sums) {
  const int64_t width = s.head_width;
  const int64_t stride = s.channels();
  const T scale = T(1) / std::sqrt(static_cast<T>(width));
  const int64_t rows = tile_rows(s);
  thread_local std::vector<T> memory;
  const AttentionLoops<T>& loops = element_loops();
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
      log_sums[first + r] = loops.softmax(row + own.begin, T(1),
                                          offset_mask(mask, keys.begin + own.begin), own.size());
      if (hash.active()) {
        loops.dropout(row, row, hash, element_index(s, batch_head, position, keys.begin), span);
      }
    }
    gemm<T>(Transpose::kNo, Transpose::kNo, count, width, span, T(1), tile, span,
            value + keys.begin * stride, stride, T(0), output + first * stride, stride);
  }
}

template <class T>
void backward_head(const AttentionShape& s, const T* query, const T* key, const T* value,
                   const bool* mask, const Positions& positions, const DropoutHash& hash,
                   int64_t batch_head, const T* output, const T* upstream, const T* log_sums,
                   const HeadGradients<T>& grads) {
  const int64_t width = s.head_width;
  const int64_t stride = s.channels();
  const T scale = T(1) / std::sqrt(static_cast<T>(width));
  const int64_t rows = tile_rows(s);
  thread_local std::vector<T> score_tile;
  thread_local std::vector<T> grad_tile;
  const AttentionLoops<T>& loops = element_loops();
  const DotLoops<T>& sums = element_loops();
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
      // sum_m dP P = dO . O
      const T delta = sums.dot(d_out + r * stride, output + (first + r) * stride, width);
      const int64_t position = positions.of(first + r);
      const Range own = keys_in_row(s, keys, position);
      clear_outside(scores + r * span, own, span);
      clear_outside(dp + r * span, own, span);
      const int64_t begin = keys.begin + own.begin;
      loops.softmax_gradient(scores + r * span + own.begin, dp + r * span + own.begin, T(1),
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

/// Where the rows of each sequence lie in the queries and keys.
struct Sequences {
  std::vector<int64_t> query_starts, key_starts;  // (B + 1)

  explicit Sequences(const AttentionInputs& in)
      : query_starts(in.query_starts), key_starts(in.key_starts) {
    if (in.are_packed()) return;
    for (int64_t b = 0; b <= in.query.size(0); ++b) {
      query_starts.push_back(b * in.query.size(1));
      key_starts.push_back(b * in.key.size(1));
    }
  }

  int64_t count() const { return static_cast<int64_t>(query_starts.size()) - 1; }
};

/// A head of one sequence, and where its columns begin in the queries and in the keys.
struct HeadPlace {
  AttentionShape shape;
  int64_t batch_head;
  int64_t first_query, first_key;  // rows
  int64_t query, key;              // elements
  int64_t log_sums;
};

/// Calls body(place) for each head of each sequence.
template <class Body>
void for_each_head(const AttentionInputs& in, const AttentionOptions& options, const Body& body) {
  const Sequences sequences(in);
  const int64_t heads = options.num_heads;
  const int64_t channels = in.query.size(-1);
  const int64_t width = channels / heads;
  at::parallel_for(0, sequences.count() * heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t bh = begin; bh < end; ++bh) {
      const auto b = static_cast<size_t>(bh / heads);
      const int64_t head = bh % heads;
      const int64_t query = sequences.query_starts[b];
      const int64_t key = sequences.key_starts[b];
      const AttentionShape shape{sequences.query_starts[b + 1] - query,
                                 sequences.key_starts[b + 1] - key,
                                 heads,
                                 width,
                                 options.length,
                                 options.num_keys,
                                 options.window};
      body(HeadPlace{shape, bh, query, key, query * channels + head * width,
                     key * channels + head * width, query * heads + head * shape.queries});
    }
    end_packed_products();
  });
}

const bool* mask_of(const AttentionInputs& in, const HeadPlace& place) {
  return in.key_mask.defined() ? in.key_mask.data_ptr<bool>() + place.first_key : nullptr;
}

Positions positions_of(const AttentionInputs& in, const HeadPlace& place) {
  if (!in.positions.defined()) return {nullptr};
  return {in.positions.data_ptr<int64_t>() + place.first_query};
}

/// Whether packed products serve this type. In bf16, D has to be even.
bool is_packed(const at::Tensor& query, int64_t num_heads) {
  return has_packed_products(query.scalar_type()) &&
         (query.scalar_type() == at::kFloat || query.size(-1) / num_heads % 2 == 0);
}

/// Whether this type is computed in float, with its results rounded.
bool needs_float(const at::Tensor& query, int64_t num_heads) {
  return c10::isReducedFloatingType(query.scalar_type()) && !is_packed(query, num_heads);
}

AttentionInputs in_float(const AttentionInputs& in) {
  AttentionInputs result = in;
  for (at::Tensor* x : {&result.query, &result.key, &result.value}) *x = x->to(at::kFloat);
  return result;
}

/// A head's part of the inputs.
template <class T>
PackedHead<T> packed_head(const AttentionInputs& in, const HeadPlace& place) {
  return {in.query.data_ptr<T>() + place.query,
          in.key.data_ptr<T>() + place.key,
          in.value.data_ptr<T>() + place.key,
          mask_of(in, place),
          positions_of(in, place),
          place.batch_head};
}

template <class T>
void forward_packed(const AttentionInputs& in, const AttentionOptions& options,
                    const DropoutHash& hash, AttentionResult& out) {
  for_each_head(in, options, [&](const HeadPlace& place) {
    packed_forward(place.shape, packed_head<T>(in, place), hash,
                   out.output.data_ptr<T>() + place.query,
                   out.log_sums.data_ptr<float>() + place.log_sums);
  });
}

AttentionResult forward(const AttentionInputs& in, const AttentionOptions& options) {
  const int64_t heads = options.num_heads;
  if (needs_float(in.query, heads)) {
    AttentionResult out = forward(in_float(in), options);
    out.output = out.output.to(in.query.scalar_type());
    return out;
  }
  const DropoutHash hash = host_hash_of(options.dropout);
  const bool low = in.query.scalar_type() == at::kBFloat16;
  AttentionResult out{at::empty_like(in.query),
                      at::empty({in.query.numel() / in.query.size(-1) * heads},
                                low ? in.query.options().dtype(at::kFloat) : in.query.options())};
  if (low) {
    forward_packed<at::BFloat16>(in, options, hash, out);
    return out;
  }
  if (is_packed(in.query, heads)) {
    forward_packed<float>(in, options, hash, out);
    return out;
  }
  AT_DISPATCH_FLOATING_TYPES(in.query.scalar_type(), "dropout_attention", [&] {
    for_each_head(in, options, [&](const HeadPlace& place) {
      forward_head(place.shape, in.query.data_ptr<scalar_t>() + place.query,
                   in.key.data_ptr<scalar_t>() + place.key,
                   in.value.data_ptr<scalar_t>() + place.key, mask_of(in, place),
                   positions_of(in, place), hash, place.batch_head,
                   out.output.data_ptr<scalar_t>() + place.query,
                   out.log_sums.data_ptr<scalar_t>() + place.log_sums);
    });
  });
  return out;
}

template <class T>
void backward_packed(const AttentionInputs& in, const AttentionOptions& options,
                     const DropoutHash& hash, const AttentionResult& result,
                     const at::Tensor& upstream, const AttentionGradients& grads) {
  for_each_head(in, options, [&](const HeadPlace& place) {
    packed_backward<T>(
        place.shape, packed_head<T>(in, place), hash, result.output.data_ptr<T>() + place.query,
        upstream.data_ptr<T>() + place.query, result.log_sums.data_ptr<float>() + place.log_sums,
        {grads.query.data_ptr<T>() + place.query, grads.key.data_ptr<T>() + place.key,
         grads.value.data_ptr<T>() + place.key});
  });
}

AttentionGradients backward(const AttentionInputs& in, const AttentionOptions& options,
                            const AttentionResult& result, const at::Tensor& upstream) {
  if (needs_float(in.query, options.num_heads)) {
    const AttentionGradients full =
        backward(in_float(in), options, {result.output.to(at::kFloat), result.log_sums},
                 upstream.to(at::kFloat));
    const at::ScalarType type = in.query.scalar_type();
    return {full.query.to(type), full.key.to(type), full.value.to(type)};
  }
  const DropoutHash hash = host_hash_of(options.dropout);
  const bool packed = is_packed(in.query, options.num_heads);
  // Some sequences may have keys but no queries.
  const bool sums = (options.window > 0 || in.are_packed()) && !packed;
  AttentionGradients grads{at::empty_like(in.query),
                           sums ? at::zeros_like(in.key) : at::empty_like(in.key),
                           sums ? at::zeros_like(in.value) : at::empty_like(in.value)};
  if (packed && in.query.scalar_type() == at::kFloat) {
    backward_packed<float>(in, options, hash, result, upstream, grads);
    return grads;
  }
  if (packed) {
    backward_packed<at::BFloat16>(in, options, hash, result, upstream, grads);
    return grads;
  }
  AT_DISPATCH_FLOATING_TYPES(in.query.scalar_type(), "dropout_attention_backward", [&] {
    for_each_head(in, options, [&](const HeadPlace& place) {
      backward_head<scalar_t>(place.shape, in.query.data_ptr<scalar_t>() + place.query,
                              in.key.data_ptr<scalar_t>() + place.key,
                              in.value.data_ptr<scalar_t>() + place.key, mask_of(in, place),
                              positions_of(in, place), hash, place.batch_head,
                              result.output.data_ptr<scalar_t>() + place.query,
                              upstream.data_ptr<scalar_t>() + place.query,
                              result.log_sums.data_ptr<scalar_t>() + place.log_sums,
                              {grads.query.data_ptr<scalar_t>() + place.query,
                               grads.key.data_ptr<scalar_t>() + place.key,
                               grads.value.data_ptr<scalar_t>() + place.key});
    });
  });
  return grads;
}

/// A tile has all keys of its queries, and more of them leave the second-level cache: LibTorch goes
/// through the keys in blocks.
bool outruns_fused(at::ScalarType type, int64_t num_keys) {
  constexpr int64_t kMostKeys = 4096;
  return num_keys <= kMostKeys && has_packed_products(type);
}

}  // namespace

const AttentionKernels attention_kernels{forward,
                                         backward,
                                         /*takes_low=*/true,
                                         /*takes_packed=*/true,
                                         /*serves=*/nullptr,
                                         outruns_fused};

}  // namespace linformer::cpu
