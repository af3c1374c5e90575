#include "linformer/config/model_config.h"

#include <cmath>
#include <numeric>
#include <string>

#include "rules.h"

#include "linformer/config/attention_rules.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

constexpr int64_t kLargestWidth = int64_t{1} << 20;
constexpr int64_t kMostLayers = 4096;

void validate_attention(const ModelConfig& config) {
  const AttentionConfig& attention = config.attention;
  const int64_t width = attention.value_convolution;
  require_range("model.attention.value_convolution", width, 0, config.max_sequence_length);
  if (width > 0 && width % 2 == 0) {
    fail_usage("model.attention.value_convolution", std::to_string(width) + " is even",
               "give an odd width, so that it is centred on its token, e.g. " +
                   std::to_string(width + 1) + "; 0 = none");
  }
  require_one_each("model.attention.type", attention.type, config.num_hidden_layers, " layers");
  for (size_t i = 0; i < EnumNames<AttentionType>::kNames.size(); ++i) {
    const auto type = static_cast<AttentionType>(i);
    if (attention.type.any(type)) attention_rules(type).validate(config);
  }
}

}  // namespace

double ModelConfig::resolved_initializer_range() const {
  return initializer_range.value_or(0.9 / std::sqrt(static_cast<double>(hidden_size)));
}

std::vector<int64_t> ModelConfig::projected_lengths(int64_t layer) const {
  const OneOrMany<int64_t>& heads = attention.projected_length.of(layer);
  if (heads.all(heads.values().front())) return {heads.values().front()};
  return heads.values();
}

double ModelConfig::mean_projected_length(int64_t layer) const {
  const std::vector<int64_t> lengths = projected_lengths(layer);
  return static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), int64_t{0})) /
         static_cast<double>(lengths.size());
}

int64_t ModelConfig::first_linformer_layer() const {
  int64_t layer = 0;
  while (layer < num_hidden_layers && attention_type(layer) != AttentionType::kLinformer) ++layer;
  return layer;
}

bool ModelConfig::is_plain_roberta() const {
  return attention.type.all(AttentionType::kStandard) && norm_position == NormPosition::kPost &&
         norm_type == NormType::kLayerNorm && attention.value_convolution == 0 && !is_gated();
}

void ModelConfig::validate() const {
  require_range("model.vocab_size", vocab_size, 0, kLargestSize);
  if (vocab_size > 0 && vocab_size < 6) {
    fail_usage("model.vocab_size", std::to_string(vocab_size) + " leaves no room for text",
               "give at least 6: the five special tokens and one more, or 0 = the tokenizer's");
  }
  require_range("model.hidden_size", hidden_size, 1, kLargestWidth);
  require_range("model.num_hidden_layers", num_hidden_layers, 1, kMostLayers);
  require_range("model.num_attention_heads", num_attention_heads, 1, kLargestWidth);
  if (hidden_size % num_attention_heads != 0) {
    fail_usage("model.num_attention_heads",
               std::to_string(num_attention_heads) + " heads do not divide hidden_size " +
                   std::to_string(hidden_size),
               "choose a divisor, e.g. " +
                   std::to_string(nearest_divisor(hidden_size, num_attention_heads)));
  }
  require_range("model.intermediate_size", intermediate_size, 1, kLargestWidth);
  require_share("model.hidden_dropout_prob", hidden_dropout_prob);
  require_share("model.attention_probs_dropout_prob", attention_probs_dropout_prob);
  require_range("model.max_sequence_length", max_sequence_length, 3, kLargestSize);
  require_positive("model.layer_norm_eps", layer_norm_eps);
  if (initializer_range) require_positive("model.initializer_range", *initializer_range);
  require_range("model.type_vocab_size", type_vocab_size, 0, 1024);
  validate_attention(*this);
}

}  // namespace linformer
