#include "nn/padded_encoder.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "linformer/nn/project_sequence.h"
#include "linformer/nn/sequence_pooling.h"

namespace linformer::testing {
namespace {

// Letters: B batch, N sequence, M keys, H heads, D head width, C hidden.

at::Tensor dropped(const at::Tensor& x, const DropoutSite& site) {
  if (site.probability == 0.0) return x;
  return x * dropout_scale(x.sizes(), x.scalar_type(), site);
}

/// One pass over a batch.
class PaddedPass {
 public:
  PaddedPass(const ModelConfig& config, const ParameterSet& parameters, const EncoderInput& input,
             ForwardContext& context)
      : config_(config), parameters_(parameters), input_(input), context_(context) {
    mask_ = input.mask.defined() ? input.mask : at::ones_like(input.input_ids, at::kBool);
  }

  at::Tensor run() {
    const bool pre = config_.norm_position == NormPosition::kPre;
    at::Tensor x = embedded();
    for (int64_t i = 0; i < config_.num_hidden_layers; ++i) {
      const std::string layer = "roberta.encoder.layer." + std::to_string(i) + ".";
      const auto residual = [&](const at::Tensor& update) {
        return x + dropped(update, context_.next_dropout(config_.hidden_dropout_prob));
      };
      const std::string first = layer + "attention.output.LayerNorm";
      const std::string second = layer + "output.LayerNorm";
      const at::Tensor heads = attention(i, pre ? norm(x, first) : x);
      x = residual(linear(heads, layer + "attention.output.dense"));
      if (!pre) x = norm(x, first);
      const at::Tensor wide = feed_forward(layer, pre ? norm(x, second) : x);
      x = residual(linear(wide, layer + "output.dense"));
      if (!pre) x = norm(x, second);
    }
    return pre ? norm(x, "roberta.encoder.LayerNorm") : x;
  }

 private:
  const at::Tensor& weight(const std::string& name) const { return parameters_.get(name); }

  at::Tensor linear(const at::Tensor& x, const std::string& name) const {
    return at::linear(x, weight(name + ".weight"), weight(name + ".bias"));
  }

  at::Tensor norm(const at::Tensor& x, const std::string& name) const {
    const at::Tensor& scale = weight(name + ".weight");
    if (config_.norm_type == NormType::kRmsNorm) {
      return x * (x.square().mean(-1, true) + config_.layer_norm_eps).rsqrt() * scale;
    }
    return at::layer_norm(x, {x.size(-1)}, scale, weight(name + ".bias"), config_.layer_norm_eps);
  }

  at::Tensor embedded() {
    const std::string prefix = "roberta.embeddings.";
    const at::Tensor ids = input_.input_ids.masked_fill(~mask_, 1);
    const at::Tensor valid = mask_.to(at::kLong);
    at::Tensor x = at::embedding(weight(prefix + "word_embeddings.weight"), ids, 1) +
                   at::embedding(weight(prefix + "position_embeddings.weight"),
                                 valid.cumsum(1) * valid + 1, 1);
    if (config_.type_vocab_size > 0) {
      const at::Tensor types =
          input_.token_type_ids.defined() ? input_.token_type_ids : at::zeros_like(ids);
      x = x + at::embedding(weight(prefix + "token_type_embeddings.weight"), types);
    }
    return dropped(norm(x, prefix + "LayerNorm"),
                   context_.next_dropout(config_.hidden_dropout_prob));
  }

  at::Tensor feed_forward(const std::string& layer, const at::Tensor& x) const {
    const at::Tensor wide = linear(x, layer + "intermediate.dense");
    switch (config_.hidden_act) {
      case Activation::kGelu:
        return at::gelu(wide);
      case Activation::kGeluNew:
        return at::gelu(wide, "tanh");
      case Activation::kSwiglu:
        return at::silu(linear(x, layer + "intermediate.gate")) * wide;
      case Activation::kGeglu:
        return at::gelu(linear(x, layer + "intermediate.gate")) * wide;
    }
    return {};
  }

  at::Tensor without_padding(const at::Tensor& x) const {
    return x.masked_fill(~mask_.unsqueeze(-1), 0.0);
  }

  at::Tensor attention(int64_t layer, const at::Tensor& hidden) {
    prefix_ = "roberta.encoder.layer." + std::to_string(layer) + ".attention.self.";
    const int64_t heads = config_.num_attention_heads;
    const int64_t width = config_.hidden_size / heads;
    const at::Tensor x = without_padding(hidden);
    const at::Tensor query = linear(x, prefix_ + "query");
    const at::Tensor value = without_padding(linear(x, prefix_ + "value"));
    at::Tensor output;
    if (config_.attention_type(layer) == AttentionType::kLinformer) {
      std::map<int64_t, std::vector<int64_t>> heads_of;  // k of each head
      std::vector<int64_t> lengths = config_.projected_lengths(layer);
      if (lengths.size() == 1) lengths.resize(static_cast<size_t>(heads), lengths.front());
      for (int64_t h = 0; h < heads; ++h) heads_of[lengths[static_cast<size_t>(h)]].push_back(h);
      std::vector<at::Tensor> parts(static_cast<size_t>(heads));
      for (const auto& [k, members] : heads_of) {
        const at::Tensor columns = columns_of(members, width);
        const at::Tensor out = softmax_product(query.index_select(2, columns),
                                               projected(x, "key", "E", k, members, lengths),
                                               projected(x, "value", "F", k, members, lengths),
                                               static_cast<int64_t>(members.size()), {});
        const auto split = out.split(width, 2);
        for (size_t i = 0; i < members.size(); ++i) {
          parts[static_cast<size_t>(members[i])] = split[i];
        }
      }
      output = at::cat(parts, 2);
    } else {
      at::Tensor visible = mask_.unsqueeze(1).unsqueeze(1);
      if (config_.attention_type(layer) == AttentionType::kLocalWindow) {
        const at::Tensor i = at::arange(x.size(1), at::kLong);
        const int64_t reach = config_.attention.attention_window / 2;
        visible = visible & (i.unsqueeze(1) - i.unsqueeze(0)).abs().le(reach);
      }
      output = softmax_product(query, linear(x, prefix_ + "key"), value, heads, visible);
    }
    const int64_t taps = config_.attention.value_convolution;
    if (taps == 0) return output;
    const at::Tensor convolved =
        at::conv1d(value.transpose(1, 2), weight(prefix_ + "value_convolution.weight"), {}, 1,
                   (taps - 1) / 2, 1, config_.hidden_size);
    return output + convolved.transpose(1, 2);
  }

  static at::Tensor columns_of(const std::vector<int64_t>& heads, int64_t width) {
    std::vector<at::Tensor> columns;
    for (const int64_t h : heads) columns.push_back(at::arange(h * width, (h + 1) * width));
    return at::cat(columns);
  }

  /// `visible` broadcasts to (B, H, N, M); undefined = all.
  at::Tensor softmax_product(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             int64_t heads, const at::Tensor& visible) {
    const auto split = [&](const at::Tensor& x) {
      return x.reshape({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
    };
    const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(2) / heads));
    at::Tensor scores = at::matmul(split(q), split(k).transpose(2, 3)) * scale;
    if (visible.defined()) scores = scores.masked_fill(~visible, -1e300);
    at::Tensor p = at::softmax(scores, -1);
    if (visible.defined()) p = p.masked_fill(~visible, 0.0);
    p = dropped(p, context_.next_dropout(config_.attention_probs_dropout_prob));
    return at::matmul(p, split(v)).transpose(1, 2).reshape(q.sizes());
  }

  /// E K or F V of some heads, all of which have this k: (B, k, their columns).
  at::Tensor projected(const at::Tensor& x, const std::string& matrix, const std::string& name,
                       int64_t k, const std::vector<int64_t>& heads,
                       const std::vector<int64_t>& lengths) const {
    const bool before = config_.attention.order == ProjectionOrder::kSequenceFirst;
    if (before && is_matrix()) {
      // One E for each head would mix x for each head, so its matrices are applied head by head.
      return per_head(x, matrix, name, k, heads, lengths);
    }
    const at::Tensor columns = columns_of(heads, config_.hidden_size / config_.num_attention_heads);
    if (before) return linear(windowed(x, k, name), prefix_ + matrix).index_select(2, columns);
    const at::Tensor features = without_padding(linear(x, prefix_ + matrix));
    if (!is_matrix()) return windowed(features, k, name).index_select(2, columns);
    return per_head(features, "", name, k, heads, lengths);
  }

  bool is_matrix() const {
    const ProjectionType type = config_.attention.projection;
    return type == ProjectionType::kLinear || type == ProjectionType::kStrided;
  }

  at::Tensor windowed(const at::Tensor& x, int64_t k, const std::string& name) const {
    const int64_t window = config_.max_sequence_length / k;
    switch (config_.attention.projection) {
      case ProjectionType::kMeanPool:
        return mean_pool_sequence(x, mask_, k, window);
      case ProjectionType::kMaxPool:
        return max_pool_sequence(x, mask_, k, window);
      default:
        return convolve_sequence(x, weight(projection_name(name)), k);
    }
  }

  std::string projection_name(const std::string& name) const {
    const SharingMode sharing = config_.attention.sharing;
    if (sharing == SharingMode::kLayerwise) return "roberta.encoder.E";
    return prefix_ + (sharing == SharingMode::kKeyValue ? "E" : name);
  }

  /// The matrix (k, n) of one head.
  at::Tensor matrix_of(const std::string& name, int64_t head, int64_t k,
                       const std::vector<int64_t>& lengths) const {
    const at::Tensor& all = weight(projection_name(name));
    if (all.dim() == 3) return all[head];
    if (all.size(0) == k) return all;
    int64_t first = 0;
    for (int64_t h = 0; h < head; ++h) first += lengths[static_cast<size_t>(h)];
    return all.narrow(0, first, k);
  }

  /// Mixes rows by each head's matrix, and applies the head's part of `matrix`, if it has a name,
  /// to the mixed rows; without one, x has the heads' columns side by side.
  at::Tensor per_head(const at::Tensor& x, const std::string& matrix, const std::string& name,
                      int64_t k, const std::vector<int64_t>& heads,
                      const std::vector<int64_t>& lengths) const {
    const int64_t width = config_.hidden_size / config_.num_attention_heads;
    std::vector<at::Tensor> parts;
    for (const int64_t h : heads) {
      const at::Tensor E = matrix_of(name, h, k, lengths);
      const at::Tensor rows = matrix.empty() ? x.narrow(2, h * width, width) : x;
      at::Tensor mixed = at::matmul(E.narrow(1, 0, x.size(1)), rows);
      if (config_.attention.rescale_padding) mixed = rescale_rows(E, mask_, x.size(1), mixed);
      if (matrix.empty()) {
        parts.push_back(mixed);
        continue;
      }
      const auto part = [&](const char* kind) {
        return weight(prefix_ + matrix + kind).narrow(0, h * width, width);
      };
      parts.push_back(at::linear(mixed, part(".weight"), part(".bias")));
    }
    return at::cat(parts, 2);
  }

  const ModelConfig& config_;
  const ParameterSet& parameters_;
  const EncoderInput& input_;
  ForwardContext& context_;
  at::Tensor mask_;  // (B, N)
  std::string prefix_;
};

}  // namespace

at::Tensor padded_hidden_states(const ModelConfig& config, const ParameterSet& parameters,
                                const EncoderInput& input, ForwardContext& context) {
  return PaddedPass(config, parameters, input, context).run();
}

}  // namespace linformer::testing
