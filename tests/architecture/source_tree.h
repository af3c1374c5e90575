#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace linformer {

/// A text file of the repository.
struct SourceFile {
  std::string path;    ///< relative to the repository's root, with forward slashes
  std::string folder;  ///< "nn" for include/linformer/nn/x.h, src/nn/x.cpp and tests/nn/x_test.cpp
  std::string text;

  bool is_header() const { return path.ends_with(".h"); }
  bool is_public() const { return path.starts_with("include/"); }
  /// The file's name without its folder and extension.
  std::string stem() const { return std::filesystem::path(path).stem().string(); }
};

/// An #include line: what stands between the quotes or angle brackets.
struct Include {
  std::string target;
  size_t line = 0;
};

/// The repository's root folder.
std::filesystem::path root_folder();

/// Headers and sources (.h, .cpp, .cu) under a folder of the repository, sorted by path.
std::vector<SourceFile> read_sources(const std::string& under);

/// Every file of the repository that a person wrote: code, build files, scripts, configurations and
/// documents; nothing that git ignores.
std::vector<SourceFile> read_all_text();

std::vector<Include> find_includes(const std::string& text);

}  // namespace linformer
