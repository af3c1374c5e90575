// The layout of src/kernels (docs/architecture.md, "Kernels"). An operation NAME has the interface
// NAME_kernels.h, its source NAME.cpp, and one source of that name in the folder of each
// implementation. Only one place knows which devices have which implementation.
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "architecture/source_tree.h"

namespace linformer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kSuffix = "_kernels";

std::string parent_of(const SourceFile& file) {
  return std::filesystem::path(file.path).parent_path().generic_string();
}

/// The names of the operations: those that have an interface for implementations.
std::set<std::string> operations(const std::vector<SourceFile>& files) {
  std::set<std::string> names;
  for (const SourceFile& file : files) {
    if (!file.is_header() || parent_of(file) != "src/kernels") continue;
    const std::string stem = file.stem();
    if (stem.ends_with(kSuffix)) names.insert(stem.substr(0, stem.size() - kSuffix.size()));
  }
  return names;
}

/// What speaks about devices in `text`: macros, and questions to tensors.
std::vector<std::string> device_questions(const std::string& text) {
  static const std::regex kQuestion("LINFORMER_WITH_CUDA|is_cuda\\(\\)|is_cpu\\(\\)");
  std::vector<std::string> found;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), kQuestion);
       match != std::sregex_iterator(); ++match) {
    found.push_back(match->str());
  }
  return found;
}

TEST(KernelLayout, AnOperationHasASourceACpuImplementationAndAReference) {
  const auto files = read_sources("src/kernels");
  std::set<std::string> paths;
  for (const SourceFile& file : files) paths.insert(file.path);
  const auto names = operations(files);
  EXPECT_THAT(names, Contains("attention"));
  for (const std::string& name : names) {
    for (const char* place : {"", "cpu/", "reference/"}) {
      EXPECT_THAT(paths, Contains("src/kernels/" + (place + name) + ".cpp"));
    }
  }
}

/// Whether a source defines an implementation: a table of functions.
bool has_table(const std::string& text) {
  static const std::regex kTable("\\nconst \\w+Kernels \\w+_kernels\\{");
  return std::regex_search(text, kTable);
}

// Other sources of an implementation's folder are parts that several of them use.
TEST(KernelLayout, AnImplementationHasTheNameOfItsOperation) {
  EXPECT_TRUE(has_table("}\nconst NormKernels norm_kernels{forward, backward};"));
  const auto files = read_sources("src/kernels");
  const auto names = operations(files);
  for (const SourceFile& file : files) {
    if (parent_of(file) == "src/kernels" || !file.path.ends_with(".cpp")) continue;
    if (names.count(file.stem())) continue;
    EXPECT_FALSE(has_table(file.text)) << file.path << " implements no operation";
  }
}

TEST(KernelLayout, OnePlaceKnowsWhichDeviceHasWhat) {
  EXPECT_THAT(device_questions("#ifdef LINFORMER_WITH_CUDA\nif (x.is_cuda()) return;"),
              ElementsAre("LINFORMER_WITH_CUDA", "is_cuda()"));
  const auto files = read_sources("src/kernels");
  const auto names = operations(files);
  for (const SourceFile& file : files) {
    if (file.path == "src/kernels/implementations.cpp") continue;
    const auto questions = device_questions(file.text);
    EXPECT_THAT(questions, Not(Contains("LINFORMER_WITH_CUDA"))) << file.path;
    if (names.count(file.stem())) {
      EXPECT_THAT(questions, IsEmpty()) << file.path << " asks for the device";
    }
  }
}

}  // namespace
}  // namespace linformer
