#include "linformer/config/setting_names.h"

#include <map>

namespace linformer {
namespace {

std::map<std::string, std::string>& options_by_key() {
  static std::map<std::string, std::string> options;
  return options;
}

}  // namespace

std::string quoted_assignment(const std::string& key, const std::string& value) {
  std::string text = key + "='";
  for (const char c : value) text += c == '\'' ? "''" : std::string(1, c);
  return text + "'";
}

void name_setting(const std::string& key, const std::string& option) {
  options_by_key()[key] = option;
}

std::string setting_name(const std::string& key) {
  const auto found = options_by_key().find(key);
  return found == options_by_key().end() ? key : found->second;
}

}  // namespace linformer
