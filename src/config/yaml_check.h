#pragma once

#include <optional>
#include <string>

namespace linformer {

/// What is wrong with the shape of a YAML text, and where (from 0; -1 = nowhere).
struct YamlProblem {
  std::string what;
  std::string fix;
  int line = -1;
  int column = -1;
};

/// Finds what would make a walk through the values endless or overflow the stack: nesting deeper
/// than kMaxNesting (also through aliases), an alias within the value that it names, aliases of
/// aliases that stand for millions of values, and more than one document. Does not report text that
/// is not YAML.
std::optional<YamlProblem> find_yaml_problem(const std::string& text);

}  // namespace linformer
