#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "linformer/core/error.h"

namespace linformer {

/// parse_json() that also refuses keys given twice. Throws RunError that names `where` for every
/// problem.
nlohmann::json parse_strict_json(std::string_view text, const std::string& where);

/// Rethrows an error in a configuration as a RunError of the file that holds it, since the user
/// need not have written that file. The file is named once; the fix is the error's own.
[[noreturn]] void fail_in_file(const std::string& where, const UsageError& error);

}  // namespace linformer
