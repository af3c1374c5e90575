#include "linformer/config/attention_kinds.h"

#include "linformer/config/attention_rules.h"
#include "linformer/config/projection_rules.h"

namespace linformer {

void ProjectionRules::validate(const ModelConfig&) const {}

double ProjectionRules::features_of_k_rows(const ModelConfig& config, int64_t layer) {
  const auto d = static_cast<double>(config.hidden_size);
  const auto n = static_cast<double>(config.max_sequence_length);
  return 2 * d * d * config.mean_projected_length(layer) / n;
}

double ProjectionRules::dense_projection(const ModelConfig& config, int64_t layer) {
  const auto d = static_cast<double>(config.hidden_size);
  return 2 * config.mean_projected_length(layer) * d + features_of_k_rows(config, layer);
}

double ProjectionRules::key_value_features(const ModelConfig& config, int64_t layer) {
  if (config.attention.order == ProjectionOrder::kSequenceFirst) {
    return features_of_k_rows(config, layer);
  }
  const auto d = static_cast<double>(config.hidden_size);
  return 2 * d * d;
}

int64_t AttentionRules::num_parameters(const ModelConfig&, int64_t) const {
  return 0;
}

const ProjectionRules& projection_rules(ProjectionType type) {
#define LINFORMER_RULES(ENUMERATOR, NAME, WHAT) &NAME##_projection_rules,
  constexpr std::array kRules{LINFORMER_PROJECTION_KINDS(LINFORMER_RULES)};
#undef LINFORMER_RULES
  return kRules.at(static_cast<size_t>(type))();
}

const AttentionRules& attention_rules(AttentionType type) {
#define LINFORMER_RULES(ENUMERATOR, NAME, WHAT) &NAME##_attention_rules,
  constexpr std::array kRules{LINFORMER_ATTENTION_KINDS(LINFORMER_RULES)};
#undef LINFORMER_RULES
  return kRules.at(static_cast<size_t>(type))();
}

}  // namespace linformer
