#include "strict_json.h"

#include <nlohmann/json.hpp>

#include "linformer/core/error.h"
#include "linformer/core/json_text.h"

namespace linformer {

nlohmann::json parse_strict_json(std::string_view text, const std::string& where) {
  auto parsed = parse_json<nlohmann::json>(text, RepeatedKeys::kRefused);
  if (!parsed.problem.empty()) {
    fail_run(where, parsed.problem, "the file is damaged or of another kind; take another copy");
  }
  return std::move(parsed.value);
}

}  // namespace linformer
