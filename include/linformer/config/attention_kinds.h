#pragma once

#include <array>
#include <string_view>

#include "linformer/config/fields.h"

namespace linformer {

/// The kinds of sequence projection and of attention. A kind is entered here and nowhere else, as
/// KIND(Enumerator, name in configuration files, what it is). The entry makes the enumerator, a
/// line of the help, and the declarations of what the kind's own two sources define:
///
///   const ProjectionRules& NAME_projection_rules();   src/config/NAME_projection.cpp
///   const SequenceProjection& NAME_projection();      src/nn/NAME_projection.cpp
///
/// and the same for attention. A macro, so that configurations, which know nothing of LibTorch, and
/// tensors take it from one list (decision 0011).
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

#define LINFORMER_KIND_ENUMERATOR(ENUMERATOR, NAME, WHAT) k##ENUMERATOR,
#define LINFORMER_KIND_NAME(ENUMERATOR, NAME, WHAT) #NAME,
#define LINFORMER_KIND_HELP(ENUMERATOR, NAME, WHAT) "; " #NAME ": " WHAT

enum class ProjectionType { LINFORMER_PROJECTION_KINDS(LINFORMER_KIND_ENUMERATOR) };
enum class AttentionType { LINFORMER_ATTENTION_KINDS(LINFORMER_KIND_ENUMERATOR) };

template <>
struct EnumNames<ProjectionType> {
  static constexpr auto kNames =
      std::to_array<std::string_view>({LINFORMER_PROJECTION_KINDS(LINFORMER_KIND_NAME)});
};

template <>
struct EnumNames<AttentionType> {
  static constexpr auto kNames =
      std::to_array<std::string_view>({LINFORMER_ATTENTION_KINDS(LINFORMER_KIND_NAME)});
};

}  // namespace linformer
