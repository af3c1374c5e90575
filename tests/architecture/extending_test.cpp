// docs/extending.md lists the files that a new part needs. This test compares its lists with the
// existing parts.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "architecture/source_tree.h"

#include "linformer/config/attention_kinds.h"
#include "linformer/config/trainer_config.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

std::string read_file(const std::string& path) {
  std::ifstream stream(root_folder() / path);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void expect_files_of_kind(const std::string& name, const std::string& what) {
  for (const std::string folder : {"src/config/", "src/nn/"}) {
    const std::string path = folder + name + "_" + what + ".cpp";
    EXPECT_TRUE(std::filesystem::exists(root_folder() / path)) << path;
  }
  EXPECT_THAT(read_file("docs/model.md"), HasSubstr("`" + name + "`"));
}

TEST(Extending, EveryProjectionHasItsFilesItsTwinAndItsDocument) {
  const std::string twin = read_file("tools/hf/modeling_linformer.py");
  for (const std::string_view name : EnumNames<ProjectionType>::kNames) {
    expect_files_of_kind(std::string(name), "projection");
    EXPECT_THAT(twin, HasSubstr("\n    \"" + std::string(name) + "\": ")) << "in PROJECTIONS";
  }
}

TEST(Extending, EveryAttentionHasItsFilesAndItsDocument) {
  for (const std::string_view name : EnumNames<AttentionType>::kNames) {
    expect_files_of_kind(std::string(name), "attention");
  }
}

TEST(Extending, EveryOptimizerHasItsFiles) {
  for (const std::string_view name : EnumNames<OptimizerType>::kNames) {
    for (const std::string& path : {"include/linformer/optim/" + std::string(name) + ".h",
                                    "src/optim/" + std::string(name) + ".cpp"}) {
      EXPECT_TRUE(std::filesystem::exists(root_folder() / path)) << path;
    }
  }
}

// A branch on a kind anywhere else is a file more that a new kind touches.
TEST(Extending, OnlyTheListAndAKindsOwnFilesKnowIt) {
  const std::regex enumerator("(ProjectionType|AttentionType)::k([A-Z][A-Za-z]*)");
  for (const char* under : {"src", "include"}) {
    for (const SourceFile& file : read_sources(under)) {
      for (auto match = std::sregex_iterator(file.text.begin(), file.text.end(), enumerator);
           match != std::sregex_iterator(); ++match) {
        const std::string kind = match->str(2);
        // linear is what paper and start-up hints are about; Linformers as such and RoBERTas as
        // such are known to conversions, to costs and to the check for plain RoBERTas.
        if (kind == "Linear" || kind == "Linformer" || kind == "Standard") continue;
        EXPECT_THAT(file.path, ::testing::MatchesRegex(".*_(projection|attention)\\.(cpp|h)"))
            << match->str();
      }
    }
  }
}

TEST(Extending, FilesThatTheDocumentNamesExist) {
  const std::string text = read_file("docs/extending.md");
  const std::regex path("`((?:src|include|tests|tools|docs)/[a-z0-9_/.]+\\.[a-z]+)`");
  int found = 0;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), path);
       match != std::sregex_iterator(); ++match, ++found) {
    EXPECT_TRUE(std::filesystem::exists(root_folder() / match->str(1))) << match->str(1);
  }
  EXPECT_GE(found, 5);
}

}  // namespace
}  // namespace linformer
