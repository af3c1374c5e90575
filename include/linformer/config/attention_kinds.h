#pragma once

#include "linformer/config/kind_list.h"

namespace linformer {

/// The kinds of sequence projection and of attention. A new kind is added to one of these lists and
/// nowhere else. Its two source files define
///
///   const ProjectionRules& NAME_projection_rules();   src/config/NAME_projection.cpp
///   const SequenceProjection& NAME_projection();      src/nn/NAME_projection.cpp
///
/// and the same for attention; docs/extending.md has an example.
#define LINFORMER_PROJECTION_KINDS(KIND)                          \
  KIND(Linear, linear, "matrices E, F")                           \
  KIND(MeanPool, mean_pool, "means over windows of n / k tokens") \
  KIND(MaxPool, max_pool, "maxima over windows of n / k tokens")  \
  KIND(Conv, conv, "a convolution with kernel = stride = n / k")  \
  KIND(Strided, strided, "every (n / k)-th token, another for each head and layer")

#define LINFORMER_ATTENTION_KINDS(KIND)                     \
  KIND(Linformer, linformer, "k projected keys and values") \
  KIND(Standard, standard, "all n keys and values")         \
  KIND(LocalWindow, local_window, "the keys and values near each query")

LINFORMER_KIND_ENUM(ProjectionType, LINFORMER_PROJECTION_KINDS)
LINFORMER_KIND_ENUM(AttentionType, LINFORMER_ATTENTION_KINDS)

}  // namespace linformer
