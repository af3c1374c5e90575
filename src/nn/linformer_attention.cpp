#include <map>
#include <vector>

#include <ATen/ATen.h>

#include "attend.h"

#include "linformer/nn/attention.h"

namespace linformer {
namespace {

/// Rows (or columns, for dim 1) that belong to some heads.
at::Tensor of_heads(const at::Tensor& tensor, const std::vector<int64_t>& heads, int64_t dim,
                    int64_t num_heads) {
  std::vector<int64_t> indices;
  const int64_t width = tensor.size(dim) / num_heads;
  for (const int64_t head : heads) {
    for (int64_t i = 0; i < width; ++i) indices.push_back(head * width + i);
  }
  return tensor.index_select(dim, at::tensor(indices, at::kLong).to(tensor.device()));
}

/// Attention over k projected keys and values:
///
///   head_h = softmax(Q_h (E K)_h^T / sqrt(D)) (F V)_h      (arXiv 2006.04768, equation 7)
///
/// If the projection is linear in x, both orders send only k rows through the matrices of key and
/// value, since E (x W) = (E x) W. They differ only in where the bias is added. For max pooling and
/// convolutions they are different functions.
class LinformerAttention : public Attention {
 public:
  explicit LinformerAttention(const AttentionPlace& place)
      : options_(place.config.attention),
        projection_(sequence_projection(options_.projection)),
        max_length_(place.config.max_sequence_length),
        num_heads_(place.config.num_attention_heads),
        dropout_(place.config.attention_probs_dropout_prob),
        shared_between_layers_(place.shared.has_value()),
        weights_(place.shared ? *place.shared
                              : make_projection_weights(place.config, place.layer, place.prefix,
                                                        place.parameters)) {
    std::map<int64_t, std::vector<int64_t>> heads_of;
    const OneOrMany<int64_t>& lengths = options_.projected_length.of(place.layer);
    for (int64_t h = 0; h < num_heads_; ++h) heads_of[lengths.of(h)].push_back(h);
    for (const auto& [k, heads] : heads_of) groups_.push_back({heads, k});
  }

  at::Tensor forward(const AttentionInput& input, ForwardContext& context) const override {
    if (groups_.size() == 1) return attend(groups_.front(), input, layer_weights(), context);
    std::vector<at::Tensor> outputs(static_cast<size_t>(num_heads_));
    for (const HeadGroup& group : groups_) {
      const auto heads = attend(group, part_of(input, group), weights_of(group), context)
                             .split(input.x.size(1) / num_heads_, /*dim=*/1);
      for (size_t i = 0; i < heads.size(); ++i) {
        outputs[static_cast<size_t>(group.heads[i])] = heads[i];
      }
    }
    return at::cat(outputs, 1);
  }

 private:
  /// Heads with the same k. Usually there is one group with all heads.
  struct HeadGroup {
    std::vector<int64_t> heads;
    int64_t k = 0;
  };

  at::Tensor attend(const HeadGroup& group, const AttentionInput& input,
                    const ProjectionWeights& weights, ForwardContext& context) const {
    const at::Tensor query = apply(input.x_of_queries, input.query);
    ProjectionInput projected;
    projected.x = input.x;
    projected.tokens = input.tokens;
    projected.key = input.key;
    projected.value = input.value;
    projected.weights = weights;
    projected.full_value = input.full_value;
    projected.k = group.k;
    projected.max_length = max_length_;
    projected.order = options_.order;
    projected.rescale_padding = options_.rescale_padding;
    const Attend attend_heads{static_cast<int64_t>(group.heads.size()), dropout_, /*window=*/0,
                              group.heads};
    const auto [key, value] = projection_.project(projected);
    const PackedRows keys = all_rows(input.tokens.num_sequences(), group.k);
    return attend_heads(input, query, {key.flatten(0, 1), value.flatten(0, 1)}, keys, context);
  }

  ProjectionWeights layer_weights() const {
    if (!shared_between_layers_ || !weights_.E.defined()) return weights_;
    // Each layer sums its own gradient of the shared E before the layers are summed. So the order
    // of the sum does not depend on whether layers are recomputed.
    const at::Tensor own = at::alias(weights_.E);
    return {own, own};
  }

  AttentionInput part_of(const AttentionInput& input, const HeadGroup& group) const {
    const auto part = [&](const Linear& linear) {
      return Linear{of_heads(linear.weight, group.heads, 0, num_heads_),
                    of_heads(linear.bias, group.heads, 0, num_heads_)};
    };
    AttentionInput result = input;
    result.query = part(input.query);
    result.key = part(input.key);
    result.value = part(input.value);
    if (input.full_value.defined()) {
      result.full_value = of_heads(input.full_value, group.heads, 1, num_heads_);
    }
    return result;
  }

  /// The matrices of a group, taken from rows k_0 of head 0, k_1 of head 1, ...
  ProjectionWeights weights_of(const HeadGroup& group) const {
    if (!weights_.E.defined()) return weights_;
    std::vector<int64_t> first_row(static_cast<size_t>(num_heads_), 0);
    for (const HeadGroup& other : groups_) {
      for (const int64_t head : other.heads) {
        for (int64_t h = head + 1; h < num_heads_; ++h) {
          first_row[static_cast<size_t>(h)] += other.k;
        }
      }
    }
    const auto matrices = [&](const at::Tensor& rows) {
      std::vector<at::Tensor> picked;
      for (const int64_t head : group.heads) {
        picked.push_back(rows.narrow(0, first_row[static_cast<size_t>(head)], group.k));
      }
      return at::stack(picked);
    };
    return {matrices(weights_.E), matrices(weights_.F)};
  }

  AttentionConfig options_;
  const SequenceProjection& projection_;
  int64_t max_length_;
  int64_t num_heads_;
  double dropout_;
  bool shared_between_layers_;
  ProjectionWeights weights_;
  std::vector<HeadGroup> groups_;  // at least one
};

}  // namespace

std::unique_ptr<const Attention> make_linformer_attention(const AttentionPlace& place) {
  return std::make_unique<LinformerAttention>(place);
}

}  // namespace linformer
