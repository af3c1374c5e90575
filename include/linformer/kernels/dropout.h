#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace linformer {

/// The source of randomness of one dropout site. Nothing is drawn or stored.
///
/// Element i of a tensor is kept if hash(key, i) >= probability. This is a pure function, so the
/// backward pass computes the mask again, and a resumed run repeats it exactly.
struct DropoutSite {
  double probability = 0.0;  ///< 0 = no dropout (evaluation)
  uint64_t key = 0;
  /// If set, the key is the 64 bits here, in memory of the device, and is read when the operation
  /// runs there. So a recorded operation can be repeated with another key (device_graph.h). They
  /// have to stay there until the backward pass has run.
  const int64_t* stored_key = nullptr;
};

/// Inverted dropout: kept elements are divided by 1 - probability.
///
///   input   any shape, float or double, contiguous
///   rows    (R) int64: the rows of a larger tensor that an `input` (R, C) holds, which decide what
///           is kept; undefined = 0, 1, ..., R - 1
///   returns the same shape; the input itself when the probability is 0
at::Tensor dropout(const at::Tensor& input, const DropoutSite& site, const at::Tensor& rows = {});

/// The mask dropout() would apply: 1 / (1 - probability) or 0. For tests.
at::Tensor dropout_scale(at::IntArrayRef sizes, at::ScalarType dtype, const DropoutSite& site);

}  // namespace linformer
