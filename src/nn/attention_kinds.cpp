#include <array>

#include <ATen/ATen.h>

#include "linformer/nn/attention.h"
#include "linformer/nn/sequence_projection.h"

namespace linformer {

const SequenceProjection& sequence_projection(ProjectionType type) {
#define LINFORMER_KIND(ENUMERATOR, NAME, WHAT) &NAME##_projection,
  constexpr std::array kProjections{LINFORMER_PROJECTION_KINDS(LINFORMER_KIND)};
#undef LINFORMER_KIND
  return kProjections.at(static_cast<size_t>(type))();
}

std::unique_ptr<const Attention> make_attention(const AttentionPlace& place) {
#define LINFORMER_KIND(ENUMERATOR, NAME, WHAT) &make_##NAME##_attention,
  constexpr std::array kAttentions{LINFORMER_ATTENTION_KINDS(LINFORMER_KIND)};
#undef LINFORMER_KIND
  return kAttentions.at(static_cast<size_t>(place.config.attention_type(place.layer)))(place);
}

}  // namespace linformer
