#include "linformer/core/mark_file.h"

#include <algorithm>
#include <filesystem>

#include "linformer/core/atomic_file.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

/// The folder that a mark names; "" if the file at `path` is not a mark.
std::string name_in_mark(const fs::path& path) {
  constexpr size_t kLongestName = 64;
  constexpr std::string_view kFront = "step-";
  if (path.filename() != "latest" && path.filename() != "best") return "";
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kLongestName) return "";
  std::string name = read_text_file(path.string());
  while (!name.empty() && (name.back() == '\n' || name.back() == '\r')) name.pop_back();
  const bool named = name.starts_with(kFront) && name.size() > kFront.size() &&
                     std::all_of(name.begin() + kFront.size(), name.end(),
                                 [](char c) { return '0' <= c && c <= '9'; });
  return named ? name : "";
}

}  // namespace

std::string follow_marks(const std::string& path) {
  fs::path followed;
  bool changed = false;
  for (const fs::path& part : fs::path(path)) {
    if (changed && part.empty()) continue;  // a slash at the end
    followed /= part;
    const std::string name = name_in_mark(followed);
    if (name.empty()) continue;
    followed.replace_filename(name);
    changed = true;
  }
  return changed ? followed.string() : path;
}

}  // namespace linformer
