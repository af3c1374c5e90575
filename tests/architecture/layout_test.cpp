// The layout of the repository: mirrored folders, sizes, and text that is specific to one machine.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "architecture/source_tree.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr long kMaxLines = 600;

bool exists(const std::string& path) {
  return std::filesystem::exists(root_folder() / path);
}

std::string read_file(const std::string& path) {
  std::ifstream stream(root_folder() / path);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// The nearest folder above a file that has a CMakeLists.txt.
std::string build_folder(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path();
  while (!exists((folder / "CMakeLists.txt").generic_string())) folder = folder.parent_path();
  return folder.generic_string();
}

// Absolute paths of somebody's machine and addresses of private hosts, as "PATH: TEXT".
std::vector<std::string> stray_text(const SourceFile& file) {
  static const std::regex kStray(
      "(^|[\\s\"'(=:`])(/(work|home|root|Users|mnt|media)/[^\\s\"')`]*)|"
      "(\\b(10(\\.[0-9]{1,3}){3}|(192\\.168|172\\.(1[6-9]|2[0-9]|3[01]))(\\.[0-9]{1,3}){2})\\b)|"
      "(https?://[a-z0-9.-]*\\.(internal|local|lan)\\b)");
  std::vector<std::string> found;
  std::istringstream lines(file.text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_search(line, match, kStray)) found.push_back(file.path + ": " + match.str());
  }
  return found;
}

TEST(Layout, EverySourceIsBuilt) {
  // A file that no CMakeLists.txt names is neither compiled nor run, and nothing else would tell.
  for (const char* under : {"src", "tests"}) {
    for (const auto& file : read_sources(under)) {
      if (file.is_header()) continue;
      const std::string folder = build_folder(file.path);
      EXPECT_THAT(read_file(folder + "/CMakeLists.txt"),
                  HasSubstr(file.path.substr(folder.size() + 1)))
          << file.path << " is in no CMakeLists.txt";
    }
  }
}

TEST(Layout, SourcesBelongToAHeader) {
  for (const auto& file : read_sources("src")) {
    // The folder cli holds the programs, which nobody includes.
    if (file.is_header() || file.folder == "cli") continue;
    const std::string name = file.folder + "/" + file.stem() + ".h";
    // A header whose implementation is long may have several sources; each includes it.
    const auto beside = std::filesystem::path(file.path).replace_extension(".h").generic_string();
    const bool has_header = exists("include/linformer/" + name) || exists(beside) ||
                            file.text.find("\"linformer/" + file.folder + "/") != std::string::npos;
    EXPECT_TRUE(has_header) << file.path << " implements no header of its folder";
  }
}

TEST(Layout, TestsMirrorSources) {
  const std::string suffix = "_test";
  for (const auto& file : read_sources("tests")) {
    // Tests of whole programs and of the repository have no one file they belong to.
    const bool whole = file.folder == "cli" || file.folder == "architecture";
    if (whole || !file.stem().ends_with(suffix)) continue;
    const std::string stem = file.stem().substr(0, file.stem().size() - suffix.size());
    const std::string name = file.folder + "/" + stem;
    EXPECT_TRUE(exists("include/linformer/" + name + ".h") || exists("src/" + name + ".h") ||
                exists("src/" + name + ".cpp"))
        << file.path << " tests no file of its name";
  }
}

TEST(Layout, EveryFolderWithSourcesHasTests) {
  std::set<std::string> tested;
  std::set<std::string> untested;
  for (const auto& file : read_sources("tests")) tested.insert(file.folder);
  for (const auto& file : read_sources("src")) {
    if (!tested.count(file.folder)) untested.insert(file.folder);
  }
  EXPECT_THAT(untested, IsEmpty());
}

TEST(Layout, HeadersAreGuarded) {
  for (const char* under : {"include", "src", "tests"}) {
    for (const auto& file : read_sources(under)) {
      if (!file.is_header()) continue;
      EXPECT_THAT(file.text, HasSubstr("#pragma once\n")) << file.path;
    }
  }
}

TEST(Layout, FilesStaySmall) {
  for (const char* under : {"include", "src", "tests"}) {
    for (const auto& file : read_sources(under)) {
      EXPECT_LE(std::count(file.text.begin(), file.text.end(), '\n'), kMaxLines) << file.path;
    }
  }
}

TEST(Layout, NamesNoMachine) {
  const std::string slash = "/";
  EXPECT_THAT(stray_text({"a", "", "see " + slash + "home/ann/x\nand /dev/shm"}), SizeIs(1));
  EXPECT_THAT(stray_text({"a", "", "version 10.2.0\n1.2.3\nruns/home/x"}), IsEmpty());
  EXPECT_THAT(stray_text({"a", "", "ping 192.168." + std::string("0.1")}), SizeIs(1));
  const auto files = read_all_text();
  EXPECT_GT(files.size(), 40u) << "the repository was not found";
  for (const auto& file : files) EXPECT_THAT(stray_text(file), IsEmpty());
}

TEST(Layout, ReadsFolderNamesFromPaths) {
  std::set<std::string> folders;
  for (const auto& file : read_sources("include")) folders.insert(file.folder);
  EXPECT_TRUE(folders.count("core"));
  EXPECT_FALSE(folders.count(""));
  for (const auto& file : read_sources("include")) EXPECT_TRUE(file.is_public()) << file.path;
}

}  // namespace
}  // namespace linformer
