#include "linformer/kernels/attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "attention_kernels.h"
#include "implementations.h"
#include "optional_tensor.h"
#include "reference/kernels.h"
#include "saved_site.h"

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

/// The type of the products inside: under mixed precision the low type, if the kernels support it.
at::ScalarType type_inside(const AttentionKernels& kernels, const at::Tensor& query) {
  if (query.scalar_type() == at::kDouble) return at::kDouble;
  return kernels.takes_low ? AutocastScope::current().type() : at::kFloat;
}

class DropoutAttention : public torch::autograd::Function<DropoutAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& query,
                            const at::Tensor& key, const at::Tensor& value,
                            const OptionalTensor& key_mask, const OptionalTensor& positions,
                            const std::vector<int64_t>& query_starts,
                            const std::vector<int64_t>& key_starts,
                            const AttentionOptions& options) {
    const AttentionInputs inputs{query.contiguous(),
                                 key.contiguous(),
                                 value.contiguous(),
                                 key_mask ? key_mask->contiguous() : at::Tensor(),
                                 positions ? positions->contiguous() : at::Tensor(),
                                 query_starts,
                                 key_starts};
    const AttentionResult result = device_kernels(query).attention->forward(inputs, options);
    ctx->save_for_backward({inputs.query, inputs.key, inputs.value, inputs.key_mask,
                            inputs.positions, result.output, result.log_sums});
    ctx->saved_data["heads"] = options.num_heads;
    ctx->saved_data["query_starts"] = query_starts;
    ctx->saved_data["key_starts"] = key_starts;
    ctx->saved_data["length"] = options.length;
    ctx->saved_data["num_keys"] = options.num_keys;
    ctx->saved_data["window"] = options.window;
    save_site(*ctx, options.dropout);
    return result.output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const AttentionInputs inputs{saved[0],
                                 saved[1],
                                 saved[2],
                                 saved[3],
                                 saved[4],
                                 ctx->saved_data["query_starts"].toIntVector(),
                                 ctx->saved_data["key_starts"].toIntVector()};
    const AttentionOptions options{
        ctx->saved_data["heads"].toInt(), ctx->saved_data["length"].toInt(),
        ctx->saved_data["num_keys"].toInt(), ctx->saved_data["window"].toInt(), saved_site(*ctx)};
    const AttentionGradients gradients =
        device_kernels(inputs.query)
            .attention->backward(inputs, options, {saved[5], saved[6]}, grads[0].contiguous());
    return {gradients.query, gradients.key, gradients.value, at::Tensor(),
            at::Tensor(),    at::Tensor(),  at::Tensor(),    at::Tensor()};
  }
};

}  // namespace

bool outruns_fused_attention(const at::Tensor& query, int64_t num_keys) {
  const AttentionKernels* kernels = chosen_kernels(query).attention;
  return kernels != nullptr && kernels->outruns_fused != nullptr &&
         kernels->outruns_fused(type_inside(*kernels, query), num_keys);
}

at::Tensor dropout_attention(const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, int64_t num_heads, const at::Tensor& key_mask,
                             const DropoutSite& site, int64_t window,
                             const QueryPositions& queries) {
  TORCH_CHECK(query.dim() == 3 && key.dim() == 3 && key.sizes() == value.sizes() &&
                  query.size(0) == key.size(0) && query.size(2) == key.size(2) &&
                  query.size(2) % num_heads == 0,
              "dropout_attention takes query (B, N, H*D), key and value (B, M, H*D)");
  const at::Tensor& positions = queries.positions;
  TORCH_CHECK(!positions.defined() || (positions.scalar_type() == at::kLong &&
                                       positions.sizes() == query.sizes().slice(0, 2)),
              "dropout_attention takes one int64 position for each query");
  const int64_t length = positions.defined() ? queries.length : query.size(1);
  TORCH_CHECK(window >= 0 && window % 2 == 0 && (window == 0 || length == key.size(1)),
              "dropout_attention takes an even window, which needs a key at each position");
  const AttentionOptions options{num_heads, length, key.size(1), window, site};
  const AttentionKernels* kernels = chosen_kernels(query).attention;
  const AttentionInputs inputs{query, key, value, key_mask, positions, {}, {}};
  if (kernels == nullptr || (kernels->serves != nullptr && !kernels->serves(inputs, options))) {
    return reference::attention(inputs, options);
  }
  const at::ScalarType type = type_inside(*kernels, query);
  return DropoutAttention::apply(query.to(type), key.to(type), value.to(type),
                                 to_optional(key_mask), to_optional(positions),
                                 std::vector<int64_t>(), std::vector<int64_t>(), options);
}

at::Tensor dropout_attention(const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, int64_t num_heads, const PackedRows& queries,
                             const PackedRows& keys, const DropoutSite& site, int64_t window) {
  TORCH_CHECK(query.dim() == 2 && key.dim() == 2 && key.sizes() == value.sizes() &&
                  query.size(1) == key.size(1) && query.size(1) % num_heads == 0 &&
                  query.size(0) == queries.num_rows() && key.size(0) == keys.num_rows() &&
                  queries.num_sequences() == keys.num_sequences(),
              "dropout_attention takes packed query (R, H*D), key and value (S, H*D) of the same "
              "sequences");
  TORCH_CHECK(window >= 0 && window % 2 == 0 && (window == 0 || queries.length == keys.length),
              "dropout_attention takes an even window, which needs a key at each position");
  const AttentionKernels* kernels = chosen_kernels(query).attention;
  const bool own = kernels != nullptr && kernels->takes_packed && !keys.have_padding();
  if (!own) {
    const QueryPositions positions{
        queries.positions.defined() ? pad_rows(queries.positions.unsqueeze(1), queries).squeeze(2)
                                    : at::Tensor(),
        queries.length};
    return unpad_rows(
        dropout_attention(pad_rows(query, queries), pad_rows(key, keys), pad_rows(value, keys),
                          num_heads, keys.mask, site, window, positions),
        queries);
  }
  const AttentionOptions options{num_heads, queries.length, keys.length, window, site};
  const at::ScalarType type = type_inside(*kernels, query);
  return DropoutAttention::apply(query.to(type), key.to(type), value.to(type), OptionalTensor(),
                                 to_optional(queries.positions), queries.starts, keys.starts,
                                 options);
}

}  // namespace linformer
