#include <cmath>

#include "../saved_site.h"
#include "device_memory.h"
#include "kernels.h"
#include "softmax_dropout.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer::cuda {
namespace {

/// Head h of x (B, N, H*D): (B, N, D), without a copy.
at::Tensor head_of(const at::Tensor& x, int64_t head, int64_t heads) {
  const int64_t width = x.size(2) / heads;
  return x.narrow(2, head * width, width);
}

// One batch of products for each head, over the sequences. All heads at once would need one stride
// from matrix to matrix, which heads side by side in a row don't have, so LibTorch would copy them.

/// Q K^T of each head, (B, H, N, M), for x (B, N, H*D) and y (B, M, H*D).
at::Tensor products_of(const at::Tensor& x, const at::Tensor& y, int64_t heads) {
  at::Tensor products = at::empty({x.size(0), heads, x.size(1), y.size(1)}, x.options());
  for (int64_t h = 0; h < heads; ++h) {
    at::Tensor product = products.select(1, h);
    at::bmm_out(product, head_of(x, h, heads), head_of(y, h, heads).transpose(1, 2));
  }
  return products;
}

/// Weights (B, H, N, M) times x (B, M, H*D) of each head, (B, N, H*D).
at::Tensor weighted(const at::Tensor& weights, const at::Tensor& x) {
  const int64_t heads = weights.size(1);
  at::Tensor sums = at::empty({x.size(0), weights.size(2), x.size(2)}, x.options());
  for (int64_t h = 0; h < heads; ++h) {
    at::Tensor sum = head_of(sums, h, heads);
    at::bmm_out(sum, weights.select(1, h), head_of(x, h, heads));
  }
  return sums;
}

SoftmaxDropoutArguments arguments_of(const AttentionInputs& in, const AttentionOptions& options,
                                     const at::Tensor& scores, const at::Tensor& log_sums) {
  SoftmaxDropoutArguments arguments;
  arguments.type = element_type(scores);
  arguments.batch = scores.size(0);
  arguments.heads = scores.size(1);
  arguments.queries = scores.size(2);
  arguments.keys = scores.size(3);
  arguments.length = options.length;
  arguments.window = options.window;
  arguments.scale = 1.0 / std::sqrt(static_cast<double>(in.query.size(2) / options.num_heads));
  arguments.hash = hash_of(options.dropout);
  if (in.key_mask.defined()) arguments.key_mask = in.key_mask.const_data_ptr<bool>();
  if (in.positions.defined()) arguments.positions = in.positions.const_data_ptr<int64_t>();
  arguments.scores = scores.data_ptr();
  arguments.log_sums = log_sums.data_ptr();
  return arguments;
}

AttentionResult forward(const AttentionInputs& in, const AttentionOptions& options) {
  const AutocastScope own_types{MixedPrecision()};
  const int64_t heads = options.num_heads;
  const at::Tensor probabilities = products_of(in.query, in.key, heads);
  AttentionResult out;
  out.log_sums = at::empty({in.query.size(0), heads, in.query.size(1)}, compute_options(in.query));
  launch_on(in.query, softmax_dropout_forward,
            arguments_of(in, options, probabilities, out.log_sums));
  out.output = weighted(probabilities, in.value);
  return out;
}

AttentionGradients backward(const AttentionInputs& in, const AttentionOptions& options,
                            const AttentionResult& result, const at::Tensor& upstream) {
  const AutocastScope own_types{MixedPrecision()};
  const int64_t heads = options.num_heads;
  const at::Tensor probabilities = products_of(in.query, in.key, heads);
  const at::Tensor grad_scores = products_of(upstream, in.value, heads);
  SoftmaxDropoutArguments arguments = arguments_of(in, options, probabilities, result.log_sums);
  arguments.upstream = grad_scores.data_ptr();
  launch_on(in.query, softmax_dropout_backward, arguments);
  return {weighted(grad_scores, in.key), weighted(grad_scores.transpose(2, 3), in.query),
          weighted(probabilities.transpose(2, 3), upstream)};
}

/// With dropout, and with a mask or a window: LibTorch's fused attention has no deterministic
/// backward pass there. It serves what would need too much memory all the same, and windows that
/// are narrow enough to be computed in blocks. Whether gradients are wanted does not count: a layer
/// that is computed again for the backward pass has to give the same numbers.
bool serves(const AttentionInputs& in, const AttentionOptions& options) {
  constexpr int64_t kMostPairs = int64_t{1} << 28;
  if (options.dropout.probability > 0.0) return true;
  const bool is_dense = options.window == 0 || in.query.size(1) <= 2 * options.window;
  const bool has_mask = in.key_mask.defined() || options.window > 0;
  const int64_t pairs = in.query.size(0) * options.num_heads * in.query.size(1) * in.key.size(1);
  return has_mask && is_dense && pairs <= kMostPairs;
}

}  // namespace

const AttentionKernels attention_kernels{forward, backward, /*takes_low=*/true,
                                         /*takes_packed=*/false, serves};

}  // namespace linformer::cuda
