#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "linformer/config/config_file.h"
#include "linformer/config/model_config.h"
#include "linformer/config/projection_rules.h"

namespace linformer::testing {

/// The kinds of the list in config/attention_kinds.h.
template <class Kind>
std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds;
  for (const std::string_view name : EnumNames<Kind>::kNames) kinds.push_back(*enum_of<Kind>(name));
  return kinds;
}

/// Every kind of attention, in a model of length `n` (a multiple of 4) with `base`'s sizes: type x
/// projection x sharing x order x value convolution, and what only some of them know (k per layer
/// and head, norm rescaling, mixing convolutions, a list of types).
inline std::vector<ModelConfig> attention_variants(const ModelConfig& base) {
  std::vector<ModelConfig> variants;
  for (const int64_t taps : {0, 3}) {
    ModelConfig config = base;
    config.attention.value_convolution = taps;
    config.attention.attention_window = 4;
    for (const auto type : all_kinds<AttentionType>()) {
      if (type == AttentionType::kLinformer) continue;
      config.attention.type = type;
      variants.push_back(config);
    }
    config.attention.type = AttentionType::kLinformer;
    config.attention.projected_length = base.max_sequence_length / 2;
    for (const auto projection : all_kinds<ProjectionType>()) {
      for (const auto sharing : {SharingMode::kNone, SharingMode::kHeadwise, SharingMode::kKeyValue,
                                 SharingMode::kLayerwise}) {
        const bool shares = sharing != SharingMode::kNone;
        if (shares && !projection_rules(projection).allows_sharing()) continue;
        for (const auto order :
             {ProjectionOrder::kFeaturesFirst, ProjectionOrder::kSequenceFirst}) {
          config.attention.projection = projection;
          config.attention.sharing = sharing;
          config.attention.order = order;
          variants.push_back(config);
        }
      }
    }
  }
  const auto add = [&](auto&& change) {
    for (const auto order : {ProjectionOrder::kFeaturesFirst, ProjectionOrder::kSequenceFirst}) {
      ModelConfig config = base;
      config.attention.type = AttentionType::kLinformer;
      config.attention.order = order;
      change(config.attention);
      variants.push_back(config);
    }
  };
  const int64_t n = base.max_sequence_length;
  const auto per_head = [n](const std::vector<int64_t>& rows) {
    return NestedNumbers(OneOrMany<int64_t>(rows));
  };
  for (const auto projection : all_kinds<ProjectionType>()) {
    if (!projection_rules(projection).allows_k_per_head()) continue;
    add([&](AttentionConfig& attention) {
      attention.projection = projection;
      attention.sharing = SharingMode::kNone;
      attention.projected_length = per_head({n / 4, n / 2});
    });
  }
  add([&](AttentionConfig& attention) {
    attention.sharing = SharingMode::kNone;
    attention.projected_length = per_head({n / 4, n / 2});
    attention.value_convolution = 3;
  });
  add([&](AttentionConfig& attention) {
    attention.projection = ProjectionType::kConv;
    attention.convolution_mixing = ConvolutionMixing::kHead;
    attention.projected_length = n / 4;
  });
  for (const auto sharing : {SharingMode::kNone, SharingMode::kHeadwise, SharingMode::kKeyValue}) {
    add([&](AttentionConfig& attention) {
      attention.rescale_padding = true;
      attention.sharing = sharing;
      attention.projected_length = n / 2;
    });
  }
  add([&](AttentionConfig& attention) {
    attention.rescale_padding = true;
    attention.value_convolution = 3;
    attention.projected_length = n / 2;
  });
  if (base.num_hidden_layers == 2) {
    add([&](AttentionConfig& attention) {
      attention.type = OneOrMany<AttentionType>(
          std::vector{AttentionType::kLinformer, AttentionType::kStandard});
      attention.projected_length = n / 2;
    });
    add([&](AttentionConfig& attention) {
      attention.projected_length = NestedNumbers(std::vector<OneOrMany<int64_t>>{n / 2, n / 4});
    });
  }
  return variants;
}

inline std::string describe(const ModelConfig& config) {
  return dump_yaml(config.attention) +
         "norm_position: " + std::string(name_of(config.norm_position)) + "\n";
}

}  // namespace linformer::testing
