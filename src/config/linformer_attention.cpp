#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <string>

#include "rules.h"

#include "linformer/config/attention_rules.h"
#include "linformer/config/projection_rules.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

constexpr const char* kLengthKey = "model.attention.projected_length";
constexpr double kLargestProjection = 1099511627776.0;  // numbers of one E, 2^40

/// Numbers of one E of a layer, as a double, since the configuration may be refused for their size.
double projection_size(const ModelConfig& config, int64_t layer) {
  const std::vector<int64_t> shape =
      projection_rules(config.attention.projection).shape(config, layer);
  if (shape.empty()) return 0.0;
  return std::accumulate(shape.begin(), shape.end(), 1.0, std::multiplies<>());
}

void validate_length(int64_t k, const ModelConfig& config, const std::string& where) {
  const int64_t n = config.max_sequence_length;
  require_in(between(1, kLargestSize), kLengthKey, k);
  if (k > n) {
    fail_usage(kLengthKey,
               "k = " + std::to_string(k) + where +
                   " exceeds max_sequence_length n = " + std::to_string(n),
               "choose k <= n, e.g. n / 4 = " + std::to_string(std::max<int64_t>(1, n / 4)));
  }
  if (projection_rules(config.attention.projection).has_windows() && n % k != 0) {
    fail_usage(kLengthKey,
               "k = " + std::to_string(k) + where + " does not divide n = " + std::to_string(n) +
                   ", as projection " + std::string(name_of(config.attention.projection)) +
                   " needs it to",
               "choose a divisor of n, e.g. " + std::to_string(nearest_divisor(n, k)));
  }
}

void validate_lengths_of_heads(const ModelConfig& config, int64_t layer) {
  if (config.projected_lengths(layer).size() == 1) return;
  const AttentionConfig& attention = config.attention;
  if (attention.sharing != SharingMode::kNone) {
    fail_usage(kLengthKey,
               "one k per head contradicts sharing " + std::string(name_of(attention.sharing)) +
                   ", where heads share E",
               "set model.attention.sharing: none, or give one k per layer");
  }
  if (!projection_rules(attention.projection).allows_k_per_head()) {
    fail_usage(kLengthKey,
               "one k per head is not possible with projection " +
                   std::string(name_of(attention.projection)),
               "give one k per layer, or use projection linear");
  }
}

void validate_lengths(const ModelConfig& config) {
  const NestedNumbers& lengths = config.attention.projected_length;
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
    validate_lengths_of_heads(config, layer);
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

class LinformerRules : public AttentionRules {
 public:
  void validate(const ModelConfig& config) const override {
    const AttentionConfig& attention = config.attention;
    const ProjectionRules& projection = projection_rules(attention.projection);
    validate_lengths(config);
    if (attention.sharing == SharingMode::kLayerwise) validate_layerwise(config);
    if (attention.rescale_padding && !projection.has_matrices()) {
      fail_usage(
          "model.attention.rescale_padding",
          "is for matrices E, F; projection is " + std::string(name_of(attention.projection)),
          "set it to false");
    }
    if (!projection.allows_sharing() && attention.sharing != SharingMode::kNone) {
      fail_usage("model.attention.sharing",
                 std::string(name_of(attention.sharing)) + ", and projection " +
                     std::string(name_of(attention.projection)) + " has one E per head",
                 "set model.attention.sharing: none");
    }
    projection.validate(config);
  }

  /// Query and output, keys and values of k rows, and the attention over them.
  AttentionCost multiply_adds(const ModelConfig& config, int64_t layer) const override {
    const auto d = static_cast<double>(config.hidden_size);
    return {2 * d * d + 2 * config.mean_projected_length(layer) * d,
            projection_rules(config.attention.projection).multiply_adds(config, layer)};
  }

  int64_t num_keys(const ModelConfig& config, int64_t layer) const override {
    return static_cast<int64_t>(config.mean_projected_length(layer));
  }

  int64_t num_parameters(const ModelConfig& config, int64_t layer) const override {
    const SharingMode sharing = config.attention.sharing;
    const auto size = static_cast<int64_t>(projection_size(config, layer));
    if (sharing == SharingMode::kLayerwise) {
      return layer == config.first_linformer_layer() ? size : 0;
    }
    return sharing == SharingMode::kKeyValue ? size : 2 * size;
  }
};

}  // namespace

const AttentionRules& linformer_attention_rules() {
  static const LinformerRules rules;
  return rules;
}

}  // namespace linformer
