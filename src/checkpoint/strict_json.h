#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace linformer {

/// Parses JSON; RunError that names `where` for a syntax error or a key given twice (which JSON
/// libraries resolve in different ways).
nlohmann::json parse_strict_json(std::string_view text, const std::string& where);

}  // namespace linformer
