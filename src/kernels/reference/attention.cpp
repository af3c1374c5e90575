#include <cmath>
#include <limits>

#include <ATen/ATen.h>

#include "../optional_tensor.h"
#include "kernels.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer::reference {
namespace {

/// (B, N, H*D) -> (B, H, N, D)
at::Tensor split_heads(const at::Tensor& x, int64_t num_heads) {
  return x.reshape({x.size(0), x.size(1), num_heads, x.size(2) / num_heads}).transpose(1, 2);
}

/// The queries' positions, (B, N) or (1, N).
at::Tensor positions_of(const AttentionInputs& in) {
  if (in.positions.defined()) return in.positions;
  return at::arange(in.query.size(1), in.query.options().dtype(at::kLong)).unsqueeze(0);
}

/// Which keys a query sees, broadcastable to (B, H, N, M); undefined = all.
at::Tensor visible_pairs(const AttentionInputs& in, int64_t window) {
  at::Tensor visible;
  if (in.key_mask.defined()) visible = in.key_mask.unsqueeze(1).unsqueeze(1);
  if (window == 0) return visible;
  const at::Tensor i = positions_of(in).unsqueeze(1).unsqueeze(3);
  const at::Tensor j = at::arange(in.key.size(1), i.options());
  const at::Tensor band = (i - j).abs().le(window / 2);
  return visible.defined() ? visible.logical_and(band) : band;
}

/// The elements of the dropout site that belong to the probabilities, (B, H, N, M).
at::Tensor site_elements(const AttentionInputs& in, const AttentionOptions& options) {
  const at::TensorOptions numbers = in.query.options().dtype(at::kLong);
  const at::Tensor bh = at::arange(in.query.size(0) * options.num_heads, numbers)
                            .view({in.query.size(0), options.num_heads, 1, 1});
  const at::Tensor i = positions_of(in).unsqueeze(1).unsqueeze(3);
  return (bh * options.length + i) * in.key.size(1) + at::arange(in.key.size(1), numbers);
}

/// LibTorch's fused attention does not support this dropout, so the probabilities exist as a whole.
at::Tensor attention_with_dropout(const at::Tensor& query, const at::Tensor& key,
                                  const at::Tensor& value, const at::Tensor& visible,
                                  const at::Tensor& dropout_scale) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(3)));
  at::Tensor scores = to_full(at::matmul(query * scale, key.transpose(2, 3)));
  if (visible.defined()) {
    scores = scores.masked_fill(visible.logical_not(), -std::numeric_limits<double>::infinity());
  }
  return at::matmul(at::softmax(scores, -1) * dropout_scale, value);
}

/// softmax over the visible keys (..., N, M), undefined = all, times the dropout scale, undefined =
/// no dropout.
at::Tensor visible_attention(const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, const at::Tensor& visible,
                             const at::Tensor& dropout_scale) {
  at::Tensor blind;  // queries without any key: they attend to all keys and get 0 afterwards
  at::Tensor seen = visible;
  if (visible.defined()) {
    blind = visible.any(-1, /*keepdim=*/true).logical_not();
    seen = visible.logical_or(blind);
  }
  const at::Tensor output =
      dropout_scale.defined()
          ? attention_with_dropout(query, key, value, seen, dropout_scale)
          : at::scaled_dot_product_attention(query, key, value, to_optional(seen));
  return blind.defined() ? output.masked_fill(blind, 0.0) : output;
}

/// Rows of x (B, H, N, D) in blocks, each with the block before and behind it: (B * blocks, H,
/// 3 * block, D). Outside of the sequence there are zeros.
at::Tensor neighbourhoods(const at::Tensor& x, int64_t block, int64_t blocks) {
  const int64_t behind = blocks * block - x.size(2) + block;
  return at::constant_pad_nd(x, {0, 0, block, behind})
      .unfold(2, 3 * block, block)  // (B, H, blocks, D, 3 * block)
      .permute({0, 2, 1, 4, 3})
      .reshape({x.size(0) * blocks, x.size(1), 3 * block, x.size(3)});
}

/// Attention in a window over all positions, without dropout: blocks of queries with the three
/// blocks of keys around them, at a cost of N * window instead of N * N.
at::Tensor window_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            const at::Tensor& key_mask, int64_t window) {
  const int64_t batch = query.size(0);
  const int64_t heads = query.size(1);
  const int64_t length = query.size(2);
  constexpr int64_t kStep = 8;  // fused kernels want masks whose rows are aligned
  const int64_t block = (window / 2 + kStep - 1) / kStep * kStep;
  const int64_t blocks = (length + block - 1) / block;
  const at::TensorOptions numbers = query.options().dtype(at::kLong);
  const at::Tensor first = at::arange(blocks, numbers).view({-1, 1, 1}) * block;
  const at::Tensor i = first + at::arange(block, numbers).view({1, -1, 1});
  const at::Tensor j = first + at::arange(3 * block, numbers).view({1, 1, -1}) - block;
  at::Tensor visible = (i - j).abs().le(window / 2).logical_and(j.ge(0)).logical_and(j.lt(length));
  visible = visible.unsqueeze(1).unsqueeze(0).expand({batch, -1, -1, -1, -1});
  visible = visible.reshape({batch * blocks, 1, block, 3 * block});
  if (key_mask.defined()) {
    const at::Tensor rows = key_mask.to(query.scalar_type()).unsqueeze(1).unsqueeze(3);
    const at::Tensor valid = neighbourhoods(rows, block, blocks).squeeze(3).gt(0.5);
    visible = visible.logical_and(valid.unsqueeze(2));
  }
  const at::Tensor queries = at::constant_pad_nd(query, {0, 0, 0, blocks * block - length})
                                 .view({batch, heads, blocks, block, -1})
                                 .transpose(1, 2)
                                 .reshape({batch * blocks, heads, block, -1});
  const at::Tensor output = visible_attention(queries, neighbourhoods(key, block, blocks),
                                              neighbourhoods(value, block, blocks), visible,
                                              /*dropout_scale=*/{});
  return output.view({batch, blocks, heads, block, -1})
      .transpose(1, 2)
      .reshape({batch, heads, blocks * block, -1})
      .narrow(2, 0, length);
}

}  // namespace

at::Tensor attention(const AttentionInputs& inputs, const AttentionOptions& options) {
  const at::Tensor query = split_heads(inputs.query, options.num_heads);
  const at::Tensor key = split_heads(inputs.key, options.num_heads);
  const at::Tensor value = split_heads(inputs.value, options.num_heads);
  const bool drops = options.dropout.probability > 0.0;
  // Blocks do less than all pairs from about this length on.
  const bool in_blocks = options.window > 0 && !drops && !inputs.positions.defined() &&
                         inputs.query.size(0) > 0 && inputs.query.size(1) > 2 * options.window;
  at::Tensor output;
  if (in_blocks) {
    output = window_attention(query, key, value, inputs.key_mask, options.window);
  } else {
    const at::TensorOptions type = inputs.query.options().dtype(
        inputs.query.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
    const at::Tensor scale =
        drops ? dropout_scale(site_elements(inputs, options), type, options.dropout) : at::Tensor();
    output = visible_attention(query, key, value, visible_pairs(inputs, options.window), scale);
  }
  return output.transpose(1, 2).reshape(inputs.query.sizes());
}

}  // namespace linformer::reference
