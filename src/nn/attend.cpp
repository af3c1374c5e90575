#include "attend.h"

#include <cmath>
#include <numeric>
#include <utility>

#include <ATen/ATen.h>

#include "linformer/kernels/attention.h"

namespace linformer {
namespace {

at::Tensor split_heads(const at::Tensor& x_BNC, int64_t heads) {
  return x_BNC.view({x_BNC.size(0), x_BNC.size(1), heads, -1}).transpose(1, 2);
}

void record(const Attend& attend, const at::Tensor& query, const KeyValue& key_value,
            const at::Tensor& key_mask, std::vector<AttentionRecord>& records) {
  std::vector<int64_t> heads = attend.heads;
  if (heads.empty()) {
    heads.resize(static_cast<size_t>(attend.num_heads));
    std::iota(heads.begin(), heads.end(), int64_t{0});
  }
  records.back().attended.push_back({std::move(heads), query, key_value, key_mask, attend.window});
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
                              const KeyValue& key_value, const at::Tensor& key_mask,
                              ForwardContext& context) const {
  if (context.attention_records() != nullptr) {
    record(*this, query, key_value, key_mask, *context.attention_records());
  }
  const DropoutSite site = context.next_dropout(dropout);
  const bool own =
      !context.unfused_attention() && outruns_fused_attention(query, key_value.key.size(1));
  if (own || site.probability > 0.0 || key_mask.defined() || window > 0 ||
      query.scalar_type() == at::kDouble) {
    return dropout_attention(query, key_value.key, key_value.value, num_heads, key_mask, site,
                             window, {input.positions, input.x.size(1)});
  }
  const at::Tensor q_BHND = split_heads(query, num_heads);
  const at::Tensor k_BHKD = split_heads(key_value.key, num_heads);
  const at::Tensor v_BHKD = split_heads(key_value.value, num_heads);
  const at::Tensor heads_BHND = context.unfused_attention()
                                    ? unfused_attention(q_BHND, k_BHKD, v_BHKD)
                                    : at::scaled_dot_product_attention(q_BHND, k_BHKD, v_BHKD);
  return heads_BHND.transpose(1, 2).reshape(query.sizes());
}

}  // namespace linformer
