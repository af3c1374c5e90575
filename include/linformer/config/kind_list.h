#pragma once

#include <array>
#include <string_view>

#include "linformer/config/fields.h"

/// Lists of kinds: of sequence projections, of attention, of optimizers. A list is a macro
/// LIST(KIND) with one entry KIND(Enumerator, name in configuration files, what it is) per kind. An
/// entry makes the enumerator, the name, a line of the help, and the declaration of the functions
/// that the kind's own sources define. So one line adds a kind both to configurations, which do not
/// know LibTorch, and to tensor code (docs/decisions/0011-one-list-of-kinds.md).

/// enum class TYPE and its names.
#define LINFORMER_KIND_ENUM(TYPE, LIST)                                                          \
  enum class TYPE { LIST(LINFORMER_KIND_ENUMERATOR) };                                           \
  template <>                                                                                    \
  struct EnumNames<TYPE> {                                                                       \
    static constexpr auto kNames = std::to_array<std::string_view>({LIST(LINFORMER_KIND_NAME)}); \
  };

#define LINFORMER_KIND_ENUMERATOR(ENUMERATOR, NAME, WHAT) k##ENUMERATOR,
#define LINFORMER_KIND_NAME(ENUMERATOR, NAME, WHAT) #NAME,
/// "; NAME: WHAT" for each kind, to be appended to the help of a key.
#define LINFORMER_KIND_HELP(ENUMERATOR, NAME, WHAT) "; " #NAME ": " WHAT
