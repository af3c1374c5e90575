#include "linformer/config/model_config.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <string>

#include "rules.h"

#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

// Far above any real model, low enough that what is computed from them fits 64 bits: all numbers of
// a model are below 2^58.
constexpr int64_t kLargestSize = int64_t{1} << 24;  // of vocabulary and lengths
constexpr int64_t kLargestWidth = int64_t{1} << 20;
constexpr int64_t kMostLayers = 4096;
constexpr double kLargestProjection = 1099511627776.0;  // numbers of one E, 2^40

/// The divisor of `size` nearest to `wanted`, for the suggested fix.
int64_t nearest_divisor(int64_t size, int64_t wanted) {
  int64_t best = 1;
  for (int64_t candidate = 1; candidate <= size; ++candidate) {
    if (size % candidate == 0 && std::abs(candidate - wanted) < std::abs(best - wanted)) {
      best = candidate;
    }
  }
  return best;
}

constexpr const char* kLengthKey = "model.attention.projected_length";

/// A list has one value for each of `count` layers or heads.
template <class T>
void require_one_each(const std::string& key, const OneOrMany<T>& value, int64_t count,
                      const std::string& what) {
  const auto given = static_cast<int64_t>(value.values().size());
  if (!value.is_list() || given == count) return;
  fail_usage(key, "a list of " + std::to_string(given) + " for " + std::to_string(count) + what,
             "give one value for all, or one for each");
}

void validate_length(int64_t k, const ModelConfig& config, const std::string& where) {
  const int64_t n = config.max_sequence_length;
  require_range(kLengthKey, k, 1, kLargestSize);
  if (k > n) {
    fail_usage(kLengthKey,
               "k = " + std::to_string(k) + where +
                   " exceeds max_sequence_length n = " + std::to_string(n),
               "choose k <= n, e.g. n / 4 = " + std::to_string(std::max<int64_t>(1, n / 4)));
  }
  if (config.attention.projection != ProjectionType::kLinear && n % k != 0) {
    fail_usage(kLengthKey,
               "k = " + std::to_string(k) + where + " does not divide n = " + std::to_string(n) +
                   ", as projection " + std::string(name_of(config.attention.projection)) +
                   " needs it to",
               "choose a divisor of n, e.g. " + std::to_string(nearest_divisor(n, k)));
  }
}

/// Numbers of one E of a layer.
double projection_size(const ModelConfig& config, int64_t layer) {
  const AttentionConfig& attention = config.attention;
  const auto n = static_cast<double>(config.max_sequence_length);
  const std::vector<int64_t> lengths = config.projected_lengths(layer);
  const double rows = std::accumulate(lengths.begin(), lengths.end(), 0.0);
  if (attention.projection == ProjectionType::kConv) {
    return static_cast<double>(config.hidden_size) * static_cast<double>(config.head_size()) * n /
           rows;
  }
  const bool each_head = attention.sharing == SharingMode::kNone && lengths.size() == 1;
  return rows * n * (each_head ? static_cast<double>(config.num_attention_heads) : 1.0);
}

void validate_lengths(const ModelConfig& config) {
  const AttentionConfig& attention = config.attention;
  const NestedNumbers& lengths = attention.projected_length;
  require_one_each(kLengthKey, lengths, config.num_hidden_layers, " layers");
  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    if (config.attention_type(layer) != AttentionType::kLinformer) continue;
    const OneOrMany<int64_t>& heads = lengths.of(layer);
    require_one_each(kLengthKey, heads, config.num_attention_heads, " heads");
    const std::string where = lengths.is_list() ? " of layer " + std::to_string(layer) : "";
    for (const int64_t k : heads.values()) validate_length(k, config, where);
    if (projection_size(config, layer) > kLargestProjection) {
      fail_usage(
          kLengthKey,
          "E" + where + " would have " + format_number(projection_size(config, layer)) + " numbers",
          "choose a smaller k, or a shorter max_sequence_length");
    }
    if (config.projected_lengths(layer).size() == 1) continue;
    if (attention.sharing != SharingMode::kNone) {
      fail_usage(kLengthKey,
                 "one k per head contradicts sharing " + std::string(name_of(attention.sharing)) +
                     ", where heads share E",
                 "set model.attention.sharing: none, or give one k per layer");
    }
    if (attention.projection == ProjectionType::kConv) {
      fail_usage(kLengthKey, "one k per head is not possible with projection conv",
                 "give one k per layer, or use projection linear");
    }
  }
}

void validate_layerwise(const ModelConfig& config) {
  std::optional<int64_t> common;
  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    if (config.attention_type(layer) != AttentionType::kLinformer) continue;
    const int64_t k = config.projected_lengths(layer).front();
    if (common && *common != k) {
      fail_usage(kLengthKey,
                 "k = " + std::to_string(*common) + " and " + std::to_string(k) +
                     " contradict sharing layerwise, where all layers share one E",
                 "give one k, or set model.attention.sharing: key_value");
    }
    common = k;
  }
}

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
  if (attention.type.any(AttentionType::kLocalWindow)) {
    const int64_t window = attention.attention_window;
    require_range("model.attention.attention_window", window, 2, kLargestSize);
    if (window % 2 != 0) {
      fail_usage("model.attention.attention_window", std::to_string(window) + " is odd",
                 "give an even width, half of it on each side, e.g. " + std::to_string(window + 1));
    }
  }
  if (!config.has_linformer_layer()) return;
  validate_lengths(config);
  if (attention.sharing == SharingMode::kLayerwise) validate_layerwise(config);
  if (attention.rescale_padding && attention.projection != ProjectionType::kLinear) {
    fail_usage(
        "model.attention.rescale_padding",
        "is about matrices E, F; projection is " + std::string(name_of(attention.projection)),
        "set it to false");
  }
  if (attention.projection == ProjectionType::kConv && attention.init == ProjectionInit::kJl) {
    fail_usage("model.attention.init", "jl is about dense matrices; projection is conv",
               "use block_average (a mean) or normal");
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
