#include "linformer/nn/forward_context.h"

#include <stdexcept>

#include <ATen/ATen.h>

#include "linformer/core/random.h"

namespace linformer {
namespace {

uint64_t site_key(uint64_t key, uint64_t site) {
  return stream_key(RandomPurpose::kDropout, {key, site});
}

}  // namespace

DropoutSite ForwardContext::next_dropout(double probability) {
  if (!training_ || probability == 0.0) return {};
  const uint64_t site = sites_++;
  if (!stored_keys_.defined()) return {probability, site_key(key_, site)};
  if (static_cast<int64_t>(site) >= stored_keys_.size(0)) {
    throw std::logic_error("more dropout sites than stored keys");
  }
  return {probability, 0, stored_keys_.const_data_ptr<int64_t>() + site};
}

at::Tensor dropout_keys(uint64_t key, int64_t count) {
  at::Tensor keys = at::empty({count}, at::kLong);
  for (int64_t site = 0; site < count; ++site) {
    keys.data_ptr<int64_t>()[site] =
        static_cast<int64_t>(site_key(key, static_cast<uint64_t>(site)));
  }
  return keys;
}

}  // namespace linformer
