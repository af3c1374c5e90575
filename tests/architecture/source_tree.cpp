#include "architecture/source_tree.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace linformer {

namespace fs = std::filesystem;

namespace {

std::string read_text(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// include/linformer/nn/x.h -> nn; src/nn/x.cpp and tests/nn/x_test.cpp -> nn; else empty.
std::string folder_of(const std::string& path) {
  std::smatch match;
  static const std::regex kPlace("^(?:include/linformer|src|tests)/([a-z_]+)/.*");
  return std::regex_match(path, match, kPlace) ? match[1].str() : "";
}

template <class Predicate>
void collect(const fs::path& under, std::vector<SourceFile>& files, Predicate&& wanted) {
  for (const auto& entry : fs::recursive_directory_iterator(under)) {
    if (!entry.is_regular_file() || !wanted(entry.path())) continue;
    const std::string path = entry.path().lexically_relative(root_folder()).generic_string();
    files.push_back({path, folder_of(path), read_text(entry.path())});
  }
}

void sort_by_path(std::vector<SourceFile>& files) {
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
}

}  // namespace

fs::path root_folder() {
  return fs::path(LINFORMER_SOURCE_DIR).lexically_normal();
}

std::vector<SourceFile> read_sources(const std::string& under) {
  std::vector<SourceFile> files;
  collect(root_folder() / under, files, [](const fs::path& path) {
    return path.extension() == ".h" || path.extension() == ".cpp" || path.extension() == ".cu";
  });
  sort_by_path(files);
  return files;
}

std::vector<SourceFile> read_all_text() {
  std::vector<SourceFile> files;
  for (const char* folder :
       {".ci", "cmake", "configs", "docs", "include", "src", "tests", "tools"}) {
    collect(root_folder() / folder, files, [](const fs::path&) { return true; });
  }
  for (const auto& entry : fs::directory_iterator(root_folder())) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().filename().string();
    if (path == ".git") continue;  // a worktree's, with the place of its repository
    files.push_back({path, "", read_text(entry.path())});
  }
  files.push_back({"data/README.md", "", read_text(root_folder() / "data/README.md")});
  sort_by_path(files);
  return files;
}

std::vector<Include> find_includes(const std::string& text) {
  static const std::regex kInclude("^\\s*#\\s*include\\s*[<\"]([^>\"]+)[>\"].*");
  std::vector<Include> includes;
  std::istringstream stream(text);
  std::string line;
  for (size_t number = 1; std::getline(stream, line); ++number) {
    std::smatch match;
    if (std::regex_match(line, match, kInclude)) includes.push_back({match[1].str(), number});
  }
  return includes;
}

}  // namespace linformer
