#include "linformer/kernels/attention.h"

#include <limits>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "composed.h"
#include "dropout_hash.h"
#include "gemm.h"
#include "vector_math.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

// Letters: B batch, N queries, M keys, H heads, D head width, C = H * D.
struct Shape {
  int64_t batch, queries, keys, heads, head_width;
  int64_t window;  // 0 = all keys, else those at most window / 2 away
  int64_t channels() const { return heads * head_width; }
};

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

/// Keys that queries [first, first + count) look at together.
Range visible_keys(const Shape& s, int64_t first, int64_t count) {
  if (s.window == 0) return {0, s.keys};
  return {std::max<int64_t>(0, first - s.window / 2),
          std::min(s.keys, first + count + s.window / 2)};
}

/// Queries a tile holds: about 256 KiB of scores, so that a tile stays in the second-level cache.
int64_t tile_rows(const Shape& shape) {
  if (shape.window > 0) {
    return std::min(shape.queries, std::clamp<int64_t>(shape.window / 2, 16, 128));
  }
  const int64_t rows = (64 * 1024) / std::max<int64_t>(1, shape.keys);
  return std::min(shape.queries, std::clamp<int64_t>(rows, 16, 128));
}

uint32_t element_index(const Shape& shape, int64_t batch_head, int64_t query, int64_t key) {
  return static_cast<uint32_t>((batch_head * shape.queries + query) * shape.keys + key);
}

/// Numbers in the largest tile.
int64_t tile_size(const Shape& shape) {
  const int64_t rows = tile_rows(shape);
  const int64_t keys = shape.window > 0 ? std::min(shape.keys, rows + shape.window) : shape.keys;
  return rows * keys;
}

/// Sets a row to zero outside of `inside`.
template <class T>
void clear_outside(T* row, const Range& inside, int64_t size) {
  std::fill(row, row + inside.begin, T(0));
  std::fill(row + inside.end, row + size, T(0));
}

/// Where a query's keys are in its tile's row, which holds `tile`.
Range keys_in_row(const Shape& s, const Range& tile, int64_t query) {
  const Range own = visible_keys(s, query, 1);
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
  if (mask != nullptr) {  // fast_exp is floored, a masked key has to be exactly 0
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
                  const DropoutHash& hash, int64_t batch_head, T* output, T* log_sums) {
  const int64_t width = s.head_width;
  const int64_t stride = s.channels();
  const T scale = T(1) / std::sqrt(static_cast<T>(width));
  const int64_t rows = tile_rows(s);
  thread_local std::vector<T> tile;
  tile.resize(static_cast<size_t>(tile_size(s)));
  for (int64_t first = 0; first < s.queries; first += rows) {
    const int64_t count = std::min(rows, s.queries - first);
    const Range keys = visible_keys(s, first, count);
    const int64_t span = keys.size();
    gemm<T>(Transpose::kNo, Transpose::kYes, count, span, width, scale, query + first * stride,
            stride, key + keys.begin * stride, stride, T(0), tile.data(), span);
    for (int64_t r = 0; r < count; ++r) {
      T* row = tile.data() + r * span;
      const Range own = keys_in_row(s, keys, first + r);
      clear_outside(row, own, span);
      log_sums[first + r] =
          softmax_row(row + own.begin, offset_mask(mask, keys.begin + own.begin), own.size());
      if (hash.active()) {
        hash.apply(row, row, element_index(s, batch_head, first + r, keys.begin), span);
      }
    }
    gemm<T>(Transpose::kNo, Transpose::kNo, count, width, span, T(1), tile.data(), span,
            value + keys.begin * stride, stride, T(0), output + first * stride, stride);
  }
}

template <class T>
struct HeadGradients {
  T* query;
  T* key;
  T* value;
};

// One row of the backward pass. In: scores (scaled Q K^T) and dp = dO V^T. Out: the dropped
// probabilities (for dV) in scores, and dS = P * (dP - delta) * scale in dp.
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
                   const DropoutHash& hash, int64_t batch_head, const T* output, const T* upstream,
                   const T* log_sums, const HeadGradients<T>& grads) {
  const int64_t width = s.head_width;
  const int64_t stride = s.channels();
  const T scale = T(1) / std::sqrt(static_cast<T>(width));
  const int64_t rows = tile_rows(s);
  thread_local std::vector<T> score_tile;
  thread_local std::vector<T> grad_tile;
  score_tile.resize(static_cast<size_t>(tile_size(s)));
  grad_tile.resize(static_cast<size_t>(tile_size(s)));
  T* scores = score_tile.data();
  T* dp = grad_tile.data();
  for (int64_t first = 0; first < s.queries; first += rows) {
    const int64_t count = std::min(rows, s.queries - first);
    const Range keys = visible_keys(s, first, count);
    const int64_t span = keys.size();
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
      const Range own = keys_in_row(s, keys, first + r);
      clear_outside(scores + r * span, own, span);
      clear_outside(dp + r * span, own, span);
      const int64_t begin = keys.begin + own.begin;
      backward_row(scores + r * span + own.begin, dp + r * span + own.begin,
                   offset_mask(mask, begin), log_sums[first + r], delta, scale, hash,
                   element_index(s, batch_head, first + r, begin), own.size());
    }
    // Windows of neighbouring tiles overlap: their sums start from zero.
    const T accumulate = first == 0 && s.window == 0 ? T(0) : T(1);
    gemm<T>(Transpose::kNo, Transpose::kNo, count, width, span, T(1), dp, span, key + offset,
            stride, T(0), grads.query + first * stride, stride);
    gemm<T>(Transpose::kYes, Transpose::kNo, span, width, count, T(1), dp, span, q, stride,
            accumulate, grads.key + offset, stride);
    gemm<T>(Transpose::kYes, Transpose::kNo, span, width, count, T(1), scores, span, d_out, stride,
            accumulate, grads.value + offset, stride);
  }
}

Shape shape_of(const at::Tensor& query, const at::Tensor& key, int64_t heads, int64_t window) {
  return {query.size(0), query.size(1), key.size(1), heads, query.size(2) / heads, window};
}

class DropoutAttention : public torch::autograd::Function<DropoutAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& query_in,
                            const at::Tensor& key_in, const at::Tensor& value_in, int64_t heads,
                            const std::optional<at::Tensor>& key_mask, double probability,
                            int64_t dropout_key, int64_t window) {
    const at::Tensor query = query_in.contiguous();
    const at::Tensor key = key_in.contiguous();
    const at::Tensor value = value_in.contiguous();
    const at::Tensor mask = key_mask ? key_mask->contiguous() : at::Tensor();
    const Shape s = shape_of(query, key, heads, window);
    const DropoutHash hash(probability, static_cast<uint64_t>(dropout_key));
    at::Tensor output = at::empty_like(query);
    at::Tensor log_sums = at::empty({s.batch, s.heads, s.queries}, query.options());
    const bool* mask_data = mask.defined() ? mask.data_ptr<bool>() : nullptr;
    AT_DISPATCH_FLOATING_TYPES(query.scalar_type(), "dropout_attention", [&] {
      at::parallel_for(0, s.batch * s.heads, 1, [&](int64_t begin, int64_t end) {
        for (int64_t bh = begin; bh < end; ++bh) {
          const int64_t b = bh / s.heads;
          const int64_t column = (bh % s.heads) * s.head_width;
          const int64_t q_offset = b * s.queries * s.channels() + column;
          const int64_t k_offset = b * s.keys * s.channels() + column;
          forward_head(s, query.data_ptr<scalar_t>() + q_offset,
                       key.data_ptr<scalar_t>() + k_offset, value.data_ptr<scalar_t>() + k_offset,
                       mask_data == nullptr ? nullptr : mask_data + b * s.keys, hash, bh,
                       output.data_ptr<scalar_t>() + q_offset,
                       log_sums.data_ptr<scalar_t>() + bh * s.queries);
        }
      });
    });
    ctx->save_for_backward({query, key, value, mask, output, log_sums});
    ctx->saved_data["heads"] = heads;
    ctx->saved_data["probability"] = probability;
    ctx->saved_data["key"] = dropout_key;
    ctx->saved_data["window"] = window;
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor& query = saved[0];
    const at::Tensor& key = saved[1];
    const at::Tensor& value = saved[2];
    const at::Tensor& mask = saved[3];
    const at::Tensor& output = saved[4];
    const at::Tensor& log_sums = saved[5];
    const Shape s =
        shape_of(query, key, ctx->saved_data["heads"].toInt(), ctx->saved_data["window"].toInt());
    const DropoutHash hash(ctx->saved_data["probability"].toDouble(),
                           static_cast<uint64_t>(ctx->saved_data["key"].toInt()));
    const at::Tensor upstream = grads[0].contiguous();
    at::Tensor grad_query = at::empty_like(query);
    at::Tensor grad_key = s.window > 0 ? at::zeros_like(key) : at::empty_like(key);
    at::Tensor grad_value = s.window > 0 ? at::zeros_like(value) : at::empty_like(value);
    const bool* mask_data = mask.defined() ? mask.data_ptr<bool>() : nullptr;
    AT_DISPATCH_FLOATING_TYPES(query.scalar_type(), "dropout_attention_backward", [&] {
      at::parallel_for(0, s.batch * s.heads, 1, [&](int64_t begin, int64_t end) {
        for (int64_t bh = begin; bh < end; ++bh) {
          const int64_t b = bh / s.heads;
          const int64_t column = (bh % s.heads) * s.head_width;
          const int64_t q_offset = b * s.queries * s.channels() + column;
          const int64_t k_offset = b * s.keys * s.channels() + column;
          backward_head<scalar_t>(
              s, query.data_ptr<scalar_t>() + q_offset, key.data_ptr<scalar_t>() + k_offset,
              value.data_ptr<scalar_t>() + k_offset,
              mask_data == nullptr ? nullptr : mask_data + b * s.keys, hash, bh,
              output.data_ptr<scalar_t>() + q_offset, upstream.data_ptr<scalar_t>() + q_offset,
              log_sums.data_ptr<scalar_t>() + bh * s.queries,
              {grad_query.data_ptr<scalar_t>() + q_offset, grad_key.data_ptr<scalar_t>() + k_offset,
               grad_value.data_ptr<scalar_t>() + k_offset});
        }
      });
    });
    return {grad_query,   grad_key,     grad_value,   at::Tensor(),
            at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

/// Which keys a query sees, broadcastable to (B, H, N, M); undefined = all.
at::Tensor visible_pairs(const at::Tensor& query, const at::Tensor& key_mask, int64_t window) {
  at::Tensor visible;
  if (key_mask.defined()) visible = key_mask.unsqueeze(1).unsqueeze(1);
  if (window == 0) return visible;
  const at::Tensor i = at::arange(query.size(1), query.options().dtype(at::kLong));
  const at::Tensor band = (i.unsqueeze(1) - i.unsqueeze(0)).abs().le(window / 2);
  return visible.defined() ? visible.logical_and(band) : band;
}

/// The same out of ATen's operations, for other devices. Under autocast its two products are in the
/// low type, the softmax in fp32.
at::Tensor composed_attention(const at::Tensor& query, const at::Tensor& key,
                              const at::Tensor& value, int64_t heads, const at::Tensor& key_mask,
                              const DropoutSite& site, int64_t window) {
  const auto split = [heads](const at::Tensor& x) {
    return x.reshape({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
  };
  at::Tensor visible = visible_pairs(query, key_mask, window);
  at::Tensor blind;  // queries without any key: they look at all of them, and get 0 after that
  if (visible.defined()) {
    blind = visible.any(-1, /*keepdim=*/true).logical_not();
    visible = visible.logical_or(blind);
  }
  at::Tensor output;
  if (site.probability == 0.0) {
    output = at::scaled_dot_product_attention(
        split(query), split(key), split(value),
        visible.defined() ? std::optional<at::Tensor>(visible) : std::nullopt);
  } else {
    const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(2) / heads));
    at::Tensor scores = to_full(at::matmul(split(query) * scale, split(key).transpose(2, 3)));
    if (visible.defined()) {
      scores = scores.masked_fill(visible.logical_not(), -std::numeric_limits<double>::infinity());
    }
    const at::Tensor probabilities = at::softmax(scores, -1);
    output = at::matmul(dropout(probabilities, site), split(value));
  }
  if (blind.defined()) output = output.masked_fill(blind, 0.0);
  return output.transpose(1, 2).reshape(query.sizes());
}

}  // namespace

at::Tensor dropout_attention(const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, int64_t num_heads, const at::Tensor& key_mask,
                             const DropoutSite& site, int64_t window) {
  TORCH_CHECK(query.dim() == 3 && key.dim() == 3 && key.sizes() == value.sizes() &&
                  query.size(0) == key.size(0) && query.size(2) == key.size(2) &&
                  query.size(2) % num_heads == 0,
              "dropout_attention takes query (B, N, H*D), key and value (B, M, H*D)");
  TORCH_CHECK(window >= 0 && window % 2 == 0 && (window == 0 || query.size(1) == key.size(1)),
              "dropout_attention takes an even window, and with one as many keys as queries");
  if (takes_composed_path(query)) {
    return composed_attention(query, key, value, num_heads, key_mask, site, window);
  }
  const auto mask =
      key_mask.defined() ? std::optional<at::Tensor>(key_mask) : std::optional<at::Tensor>();
  return DropoutAttention::apply(to_full(query), to_full(key), to_full(value), num_heads, mask,
                                 site.probability, static_cast<int64_t>(site.key), window);
}

}  // namespace linformer
