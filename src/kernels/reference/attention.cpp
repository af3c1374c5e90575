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

/// Which keys a query sees, broadcastable to (B, H, N, M); undefined = all.
at::Tensor visible_pairs(const at::Tensor& query, const at::Tensor& key_mask, int64_t window) {
  at::Tensor visible;
  if (key_mask.defined()) visible = key_mask.unsqueeze(1).unsqueeze(1);
  if (window == 0) return visible;
  const at::Tensor i = at::arange(query.size(1), query.options().dtype(at::kLong));
  const at::Tensor band = (i.unsqueeze(1) - i.unsqueeze(0)).abs().le(window / 2);
  return visible.defined() ? visible.logical_and(band) : band;
}

/// LibTorch's fused attention does not support this dropout, so the probabilities exist as a whole.
at::Tensor attention_with_dropout(const at::Tensor& query, const at::Tensor& key,
                                  const at::Tensor& value, const at::Tensor& visible,
                                  const DropoutSite& site) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(3)));
  at::Tensor scores = to_full(at::matmul(query * scale, key.transpose(2, 3)));
  if (visible.defined()) {
    scores = scores.masked_fill(visible.logical_not(), -std::numeric_limits<double>::infinity());
  }
  return at::matmul(dropout(at::softmax(scores, -1), site), value);
}

}  // namespace

at::Tensor attention(const AttentionInputs& inputs, const AttentionOptions& options) {
  const at::Tensor query = split_heads(inputs.query, options.num_heads);
  const at::Tensor key = split_heads(inputs.key, options.num_heads);
  const at::Tensor value = split_heads(inputs.value, options.num_heads);
  at::Tensor visible = visible_pairs(inputs.query, inputs.key_mask, options.window);
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
    output = attention_with_dropout(query, key, value, visible, options.dropout);
  }
  if (blind.defined()) output = output.masked_fill(blind, 0.0);
  return output.transpose(1, 2).reshape(inputs.query.sizes());
}

}  // namespace linformer::reference
