#include <cmath>

#include "../saved_site.h"
#include "device_memory.h"
#include "kernels.h"
#include "softmax_dropout.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer::cuda {
namespace {

/// (B, N, H*D) -> (B, H, N, D)
at::Tensor split_heads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

/// (B, H, N, D) -> (B, N, H*D)
at::Tensor join_heads(const at::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
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

at::Tensor scores_of(const AttentionInputs& in, int64_t heads) {
  return at::matmul(split_heads(in.query, heads), split_heads(in.key, heads).transpose(2, 3))
      .contiguous();
}

AttentionResult forward(const AttentionInputs& in, const AttentionOptions& options) {
  const AutocastScope own_types{MixedPrecision()};
  const int64_t heads = options.num_heads;
  const at::Tensor probabilities = scores_of(in, heads);
  AttentionResult out;
  out.log_sums = at::empty({in.query.size(0), heads, in.query.size(1)}, compute_options(in.query));
  launch_on(in.query, softmax_dropout_forward,
            arguments_of(in, options, probabilities, out.log_sums));
  out.output = join_heads(at::matmul(probabilities, split_heads(in.value, heads)));
  return out;
}

AttentionGradients backward(const AttentionInputs& in, const AttentionOptions& options,
                            const AttentionResult& result, const at::Tensor& upstream) {
  const AutocastScope own_types{MixedPrecision()};
  const int64_t heads = options.num_heads;
  const at::Tensor grad_output = split_heads(upstream, heads);
  const at::Tensor probabilities = scores_of(in, heads);
  const at::Tensor grad_scores =
      at::matmul(grad_output, split_heads(in.value, heads).transpose(2, 3)).contiguous();
  SoftmaxDropoutArguments arguments = arguments_of(in, options, probabilities, result.log_sums);
  arguments.upstream = grad_scores.data_ptr();
  launch_on(in.query, softmax_dropout_backward, arguments);
  return {join_heads(at::matmul(grad_scores, split_heads(in.key, heads))),
          join_heads(at::matmul(grad_scores.transpose(2, 3), split_heads(in.query, heads))),
          join_heads(at::matmul(probabilities.transpose(2, 3), grad_output))};
}

}  // namespace

const AttentionKernels attention_kernels{forward, backward, /*takes_low=*/true,
                                         /*takes_packed=*/false, /*for_dropout_alone=*/true};

}  // namespace linformer::cuda
