#include "attend.h"

#include <cmath>
#include <numeric>
#include <utility>

#include <ATen/ATen.h>

#include "linformer/kernels/attention.h"

namespace linformer {
namespace {

/// (B * N, C) -> (B, H, N, D)
at::Tensor split_heads(const at::Tensor& x, const PackedRows& rows, int64_t heads) {
  return x.view({rows.num_sequences(), rows.length, heads, -1}).transpose(1, 2);
}

void record(const Attend& attend, const at::Tensor& query, const PackedRows& queries,
            const KeyValue& key_value, const PackedRows& keys,
            std::vector<AttentionRecord>& records) {
  std::vector<int64_t> heads = attend.heads;
  if (heads.empty()) {
    heads.resize(static_cast<size_t>(attend.num_heads));
    std::iota(heads.begin(), heads.end(), int64_t{0});
  }
  records.back().attended.push_back(
      {std::move(heads),
       pad_rows(query, queries),
       {pad_rows(key_value.key, keys), pad_rows(key_value.value, keys)},
       keys.mask,
       attend.window});
}

at::Tensor unfused_attention(const at::Tensor& q_BHND, const at::Tensor& k_BHKD,
                             const at::Tensor& v_BHKD) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(q_BHND.size(3)));
  at::Tensor weights_BHNK = at::matmul(q_BHND * scale, k_BHKD.transpose(2, 3));
  weights_BHNK = at::softmax(weights_BHNK, -1);  // releases the scores
  return at::matmul(weights_BHNK, v_BHKD);
}

}  // namespace

at::Tensor Attend::operator()(const AttentionInput& input, const at::Tensor& query,
                              const KeyValue& key_value, const PackedRows& keys,
                              ForwardContext& context) const {
  const PackedRows& queries = input.queries;
  if (context.attention_records() != nullptr) {
    record(*this, query, queries, key_value, keys, *context.attention_records());
  }
  const DropoutSite site = context.next_dropout(dropout);
  const bool own = !context.unfused_attention() && outruns_fused_attention(query, keys.length);
  if (own || site.probability > 0.0 || !queries.are_all() || !keys.are_all() ||
      keys.have_padding() || window > 0 || query.scalar_type() == at::kDouble) {
    return dropout_attention(query, key_value.key, key_value.value, num_heads, queries, keys, site,
                             window);
  }
  const at::Tensor q_BHND = split_heads(query, queries, num_heads);
  const at::Tensor k_BHKD = split_heads(key_value.key, keys, num_heads);
  const at::Tensor v_BHKD = split_heads(key_value.value, keys, num_heads);
  const at::Tensor heads_BHND = context.unfused_attention()
                                    ? unfused_attention(q_BHND, k_BHKD, v_BHKD)
                                    : at::scaled_dot_product_attention(q_BHND, k_BHKD, v_BHKD);
  return heads_BHND.transpose(1, 2).reshape(query.sizes());
}

}  // namespace linformer
