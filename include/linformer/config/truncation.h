#pragma once

#include <array>
#include <string_view>

#include "linformer/config/fields.h"

namespace linformer {

/// Which tokens of a text that is too long are kept.
enum class Truncation {
  kHead,      ///< the first
  kTail,      ///< the last
  kHeadTail,  ///< a quarter from the beginning, the rest from the end (arXiv 1905.05583, 5.3.1)
};

template <>
struct EnumNames<Truncation> {
  static constexpr std::array<std::string_view, 3> kNames{"head", "tail", "head_tail"};
};

}  // namespace linformer
