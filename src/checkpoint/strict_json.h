#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace linformer {

/// parse_json() that refuses a key given twice; RunError that names `where` for every problem.
nlohmann::json parse_strict_json(std::string_view text, const std::string& where);

}  // namespace linformer
