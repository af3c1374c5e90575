#include "linformer/config/model_config.h"

#include <cmath>
#include <numeric>
#include <string>

#include "rules.h"

#include "linformer/config/attention_rules.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

void validate_attention(const ModelConfig& config) {
  const AttentionConfig& attention = config.attention;
  const int64_t width = attention.value_convolution;
  require_in(between(0, config.max_sequence_length), "model.attention.value_convolution", width);
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
  require_ranges(*this, "model.");
  if (hidden_size % num_attention_heads != 0) {
    fail_usage("model.num_attention_heads",
               std::to_string(num_attention_heads) + " heads do not divide hidden_size " +
                   std::to_string(hidden_size),
               "choose a divisor, e.g. " +
                   std::to_string(nearest_divisor(hidden_size, num_attention_heads)));
  }
  validate_attention(*this);
}

}  // namespace linformer
