#include "linformer/config/flat_yaml.h"

#include <yaml-cpp/yaml.h>

#include "yaml_check.h"

#include "linformer/config/config_file.h"
#include "linformer/core/error.h"

namespace linformer {

namespace {

using Flat = std::vector<std::pair<std::string, std::string>>;

/// A value on one line.
std::string text_of(const YAML::Node& node) {
  if (node.IsNull()) return "null";
  if (node.IsScalar()) return node.Scalar().empty() ? "\"\"" : node.Scalar();
  std::string text;
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) text += (text.empty() ? "" : ", ") + text_of(item);
    return "[" + text + "]";
  }
  for (const auto& entry : node) {
    text += (text.empty() ? "" : ", ") + text_of(entry.first) + ": " + text_of(entry.second);
  }
  return "{" + text + "}";
}

void add(const YAML::Node& node, const std::string& prefix, Flat& flat) {
  for (const auto& entry : node) {
    const std::string key = prefix + text_of(entry.first);
    if (entry.second.IsMap()) {
      add(entry.second, key + ".", flat);
    } else {
      flat.emplace_back(key, text_of(entry.second));
    }
  }
}

constexpr const char* kFix = "name a configuration such as config.yaml of a run folder";

}  // namespace

Flat read_flat_yaml(const std::string& path) {
  const std::string text = read_config_text(path);
  if (const auto problem = find_yaml_problem(text)) fail_usage(path, problem->what, problem->fix);
  Flat flat;
  try {
    const YAML::Node node = YAML::Load(text);
    if (!node.IsMap()) fail_usage(path, "is no section of keys", kFix);
    add(node, "", flat);
  } catch (const YAML::Exception& error) {
    fail_usage(path, "this is not valid YAML: " + error.msg, kFix);
  }
  return flat;
}

}  // namespace linformer
