#pragma once

#include <string>
#include <utility>
#include <vector>

namespace linformer {

/// The values of a YAML file by their full keys, in the order of the file: {"model.hidden_size",
/// "128"}, {"data.train", "[a, b]"}. Knows no keys, so it reads the configuration of any run, also
/// one of another version. Throws UsageError if the file is missing or no mapping in YAML.
std::vector<std::pair<std::string, std::string>> read_flat_yaml(const std::string& path);

}  // namespace linformer
