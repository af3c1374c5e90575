#include "strict_json.h"

#include <set>
#include <vector>

#include <nlohmann/json.hpp>

#include "linformer/core/error.h"

namespace linformer {

nlohmann::json parse_strict_json(std::string_view text, const std::string& where) {
  using Json = nlohmann::json;
  const char* const fix = "the file is damaged or of another kind; take another copy";
  std::vector<std::set<std::string>> keys;  // of each open object
  std::string duplicate;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && duplicate.empty()) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) duplicate = key;
    }
    return true;
  };
  Json json;
  try {
    json = Json::parse(text, watch);
  } catch (const Json::exception& error) {
    fail_run(where, std::string("is not valid JSON: ") + error.what(), fix);
  }
  if (!duplicate.empty()) fail_run(where, "holds " + duplicate + " twice", fix);
  return json;
}

}  // namespace linformer
