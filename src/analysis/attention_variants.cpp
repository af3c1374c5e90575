#include "attention_variants.h"

#include "linformer/config/projection_rules.h"
#include "linformer/core/error.h"

namespace linformer {

std::vector<AttentionVariant> attention_variants() {
  std::vector<AttentionVariant> all;
  for (const std::string_view name : EnumNames<AttentionType>::kNames) {
    const AttentionType type = *enum_of<AttentionType>(name);
    if (type == AttentionType::kLinformer) continue;  // by its projections
    const auto change = [type](AttentionConfig& attention) { attention.type = type; };
    all.push_back({std::string(name), change});
    if (type == AttentionType::kStandard) {
      all.push_back({"standard_unfused", change, /*unfused=*/true});
    }
  }
  for (const SharingMode sharing :
       {SharingMode::kHeadwise, SharingMode::kKeyValue, SharingMode::kNone}) {
    all.push_back({std::string(name_of(sharing)),
                   [sharing](AttentionConfig& attention) { attention.sharing = sharing; }});
  }
  for (const std::string_view name : EnumNames<ProjectionType>::kNames) {
    const ProjectionType type = *enum_of<ProjectionType>(name);
    if (type == ProjectionType::kLinear) continue;  // above, by its sharing
    all.push_back({std::string(name), [type](AttentionConfig& attention) {
                     attention.projection = type;
                     if (!projection_rules(type).allows_sharing()) {
                       attention.sharing = SharingMode::kNone;
                     }
                   }});
  }
  all.push_back(
      {"value_convolution", [](AttentionConfig& attention) { attention.value_convolution = 5; }});
  return all;
}

bool is_possible(const ModelConfig& config) {
  try {
    config.validate();
    return true;
  } catch (const UsageError&) {
    return false;
  }
}

}  // namespace linformer
