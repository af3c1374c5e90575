#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include "dropout_hash.h"

#include "linformer/kernels/dropout.h"

namespace linformer {

/// The hash of a site, for kernels of the device that reads the key.
inline DropoutHash hash_of(const DropoutSite& site) {
  return {site.probability, site.key, site.stored_key};
}

/// The hash of a site for the CPU, with its key.
inline DropoutHash host_hash_of(const DropoutSite& site) {
  return hash_of(site).with_stored_key();
}

/// Keeps a site for the backward pass of an autograd function.
inline void save_site(torch::autograd::AutogradContext& context, const DropoutSite& site) {
  context.saved_data["probability"] = site.probability;
  context.saved_data["key"] = static_cast<int64_t>(site.key);
  context.saved_data["stored_key"] = reinterpret_cast<int64_t>(site.stored_key);
}

inline DropoutSite saved_site(torch::autograd::AutogradContext& context) {
  return {context.saved_data["probability"].toDouble(),
          static_cast<uint64_t>(context.saved_data["key"].toInt()),
          reinterpret_cast<const int64_t*>(context.saved_data["stored_key"].toInt())};
}

}  // namespace linformer
