// docs/extending.md lists the files that a new part needs. This test compares its lists with the
// existing parts.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "architecture/source_tree.h"

#include "linformer/config/attention_kinds.h"
#include "linformer/config/trainer_config.h"
#include "linformer/data/task_registry.h"

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

// A list of tasks anywhere else is a file more that a new data set touches. One or two names are an
// example.
TEST(Extending, OnlyTheRegistryListsTheTasks) {
  for (const char* under : {"src", "include"}) {
    for (const SourceFile& file : read_sources(under)) {
      if (file.stem() == "task_registry") continue;
      std::vector<std::string> named;
      for (const TaskSpec& task : known_tasks()) {
        const std::regex word("(^|[^A-Za-z0-9_/-])" + task.name + "($|[^A-Za-z0-9_-])");
        if (std::regex_search(file.text, word)) named.push_back(task.name);
      }
      EXPECT_LE(named.size(), 2u) << file.path << ": " << ::testing::PrintToString(named);
    }
  }
}

TEST(Extending, EveryTaskIsInTheDocument) {
  const std::string page = read_file("docs/finetuning.md");
  for (const TaskSpec& task : known_tasks()) EXPECT_THAT(page, HasSubstr("`" + task.name + "`"));
}

// A range that is always the same stands where the key is declared (tests/config/ranges_test.cpp:
// every number has one). What depends on the kind of a layer is a rule of that kind.
TEST(Extending, ValidateFunctionsHaveNoRangeOfASingleKey) {
  const std::regex fixed(
      "require_(range|share|positive|not_negative)\\b|"
      "require_in\\(\\s*(at_least\\(|between\\([0-9]+, *([0-9]|k[A-Z]|[A-Za-z]+::k[A-Z]))");
  for (const SourceFile& file : read_sources("src/config")) {
    if (file.stem().ends_with("_attention")) continue;
    std::smatch match;
    EXPECT_FALSE(std::regex_search(file.text, match, fixed)) << file.path << ": " << match.str();
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
