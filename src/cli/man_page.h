#pragma once

#include <string>

#include "command_text.h"

namespace linformer {

/// The manual page of a program (section 1, in man's macros), made from its declarations.
std::string man_page(const CommandText& program, const std::string& version);

}  // namespace linformer
