#include "strict_json.h"

#include <nlohmann/json.hpp>

#include "linformer/core/json_text.h"

namespace linformer {

nlohmann::json parse_strict_json(std::string_view text, const std::string& where) {
  auto parsed = parse_json<nlohmann::json>(text, RepeatedKeys::kRefused);
  if (!parsed.problem.empty()) {
    fail_run(where, parsed.problem, "the file is damaged or of another kind; take another copy");
  }
  return std::move(parsed.value);
}

void fail_in_file(const std::string& where, const UsageError& error) {
  constexpr std::string_view kFix = "\n  fix: ";
  std::string text = error.what();
  // A model's file has the keys of the section "model" without that name.
  for (const std::string& front : {where + ": ", std::string("model.")}) {
    if (text.starts_with(front)) text.erase(0, front.size());
  }
  const size_t fix = text.rfind(kFix);
  fail_run(where, text.substr(0, fix), text.substr(fix + kFix.size()));
}

}  // namespace linformer
