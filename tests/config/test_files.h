#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace linformer {

/// Writes a file as it is, not atomically, and returns its path.
inline std::string write_bytes(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  return path;
}

/// A whole file; "" if there is none.
inline std::string read_bytes(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace linformer
