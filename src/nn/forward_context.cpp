#include "linformer/nn/forward_context.h"

#include "linformer/core/random.h"

namespace linformer {

DropoutSite ForwardContext::next_dropout(double probability) {
  if (!training_ || probability == 0.0) return {};
  return {probability, stream_key(RandomPurpose::kDropout, {key_, sites_++})};
}

}  // namespace linformer
