#include <cmath>
#include <limits>

#include <ATen/ATen.h>

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

}  // namespace

at::Tensor attention(const AttentionInputs& inputs, const AttentionOptions& options) {
  const at::Tensor query = split_heads(inputs.query, options.num_heads);
  const at::Tensor key = split_heads(inputs.key, options.num_heads);
  const at::Tensor value = split_heads(inputs.value, options.num_heads);
  at::Tensor visible = visible_pairs(inputs, options.window);
  at::Tensor blind;  // queries without any key: they attend to all keys and get 0 afterwards
  if (visible.defined()) {
    blind = visible.any(-1, /*keepdim=*/true).logical_not();
    visible = visible.logical_or(blind);
  }
  at::Tensor output;
  if (options.dropout.probability == 0.0) {
    output = at::scaled_dot_product_attention(
        query, key, value, visible.defined() ? std::optional<at::Tensor>(visible) : std::nullopt);
  } else {
    const at::TensorOptions type = inputs.query.options().dtype(
        inputs.query.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
    output = attention_with_dropout(
        query, key, value, visible,
        dropout_scale(site_elements(inputs, options), type, options.dropout));
  }
  if (blind.defined()) output = output.masked_fill(blind, 0.0);
  return output.transpose(1, 2).reshape(inputs.query.sizes());
}

}  // namespace linformer::reference
