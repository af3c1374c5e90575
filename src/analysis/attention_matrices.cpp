#include "linformer/analysis/attention_matrices.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include <ATen/ATen.h>

#include "linformer/nn/attention.h"

namespace linformer {
namespace {

/// Which keys each query sees, broadcasting to (B, N, M); undefined = all.
at::Tensor visible_keys(const at::Tensor& key_mask, int64_t window, int64_t queries, int64_t keys) {
  at::Tensor visible;
  if (key_mask.defined()) visible = key_mask.unsqueeze(1);
  if (window == 0) return visible;
  const at::Tensor distance =
      (at::arange(queries).unsqueeze(1) - at::arange(keys).unsqueeze(0)).abs();
  const at::Tensor near = distance.le(window / 2).unsqueeze(0);
  return visible.defined() ? visible.logical_and(near) : near;
}

at::Tensor part(const at::Tensor& x, int64_t number, int64_t width) {
  return x.narrow(2, number * width, width);
}

LayerAttention matrices_of(const AttentionRecord& record, AttentionType type, int64_t num_heads) {
  const AttentionInput& input = record.input;
  const at::Tensor x = pad_rows(input.x, input.tokens);
  const int64_t width = x.size(2) / num_heads;
  LayerAttention layer;
  layer.type = type;
  layer.heads.resize(static_cast<size_t>(num_heads));
  for (const AttendedHeads& attended : record.attended) {
    const auto& [key, value] = attended.key_value;
    const at::Tensor visible =
        visible_keys(attended.key_mask, attended.window, x.size(1), key.size(1));
    for (size_t i = 0; i < attended.heads.size(); ++i) {
      const auto number = static_cast<int64_t>(i);
      layer.heads.at(static_cast<size_t>(attended.heads[i])) = {
          part(attended.query, number, width), part(key, number, width), part(value, number, width),
          visible};
    }
  }
  const at::Tensor key = apply(x, input.key);
  const at::Tensor value = apply(x, input.value);
  const at::Tensor visible =
      visible_keys(input.tokens.mask, /*window=*/0, key.size(1), key.size(1));
  for (int64_t h = 0; h < num_heads; ++h) {
    const HeadAttention& head = layer.heads[static_cast<size_t>(h)];
    if (!head.query.defined()) {
      throw std::logic_error("attention of type " + std::string(name_of(type)) +
                             " did not record head " + std::to_string(h) +
                             "; it has to compute through Attend (src/nn/attend.h)");
    }
    layer.full.push_back({head.query, part(key, h, width), part(value, h, width), visible});
  }
  return layer;
}

}  // namespace

at::Tensor HeadAttention::scores() const {
  return at::matmul(query, key.transpose(1, 2)) / std::sqrt(static_cast<double>(query.size(2)));
}

at::Tensor HeadAttention::probabilities() const {
  if (!visible.defined()) return at::softmax(scores(), -1);
  const at::Tensor hidden = visible.logical_not();
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  const at::Tensor weights = at::softmax(scores().masked_fill(hidden, kNever), -1);
  return weights.masked_fill(hidden.all(-1, /*keepdim=*/true), 0.0);
}

void visit_attention(const Model& model, const EncoderInput& input,
                     const std::function<void(int64_t layer, const LayerAttention&)>& visit) {
  const at::NoGradGuard no_grad;
  const ModelConfig& config = model.config();
  std::vector<AttentionRecord> records;
  ForwardContext evaluation;
  evaluation.record_attention(&records);
  model.encoder().forward(input, evaluation);
  if (static_cast<int64_t>(records.size()) != config.num_hidden_layers) {
    throw std::logic_error("not every layer recorded its attention");
  }
  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    visit(layer, matrices_of(records[static_cast<size_t>(layer)], config.attention_type(layer),
                             config.num_attention_heads));
  }
}

}  // namespace linformer
