#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "linformer/core/error.h"

namespace linformer {

/// parse_json() that refuses a key given twice; RunError that names `where` for every problem.
nlohmann::json parse_strict_json(std::string_view text, const std::string& where);

/// Throws what is wrong with a configuration as a RunError of the file that holds it: whoever runs
/// the program need not have written that. The file is named once, and the fix is the error's own.
[[noreturn]] void fail_in_file(const std::string& where, const UsageError& error);

}  // namespace linformer
