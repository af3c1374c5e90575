// The order of the folders, which docs/architecture.md draws: which folder may include which, and
// where LibTorch and the other heavy headers may be included.
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "architecture/source_tree.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct FolderRule {
  std::set<std::string> may_include;
  bool libtorch = false;
};

std::map<std::string, FolderRule> folder_rules() {
  std::map<std::string, FolderRule> rules = {
      {"core", {{}}},
      {"config", {{"core"}}},
      {"text", {{"core", "config"}}},
      {"data", {{"core", "config", "text"}}},
      {"metrics", {{"core", "config"}}},
      {"baselines", {{"core", "config", "text", "data", "metrics"}}},
      {"kernels", {{"core", "config"}, true}},
      {"nn", {{"core", "config", "kernels"}, true}},
      {"optim", {{"core", "config", "kernels"}, true}},
      {"dist", {{"core", "config"}, true}},
      {"checkpoint", {{"core", "config"}, true}},
      {"report", {{"core", "config", "metrics"}}},
  };
  rules.emplace(
      "models",
      FolderRule{{"core", "config", "text", "metrics", "kernels", "nn", "checkpoint"}, true});
  rules.emplace("train", FolderRule{{"core", "config", "data", "kernels", "nn", "optim", "dist",
                                     "checkpoint", "report"},
                                    true});
  // The conductors know everything that stands above them.
  for (const char* folder : {"objectives", "experiments", "analysis", "cli"}) {
    FolderRule rule{{}, true};
    for (const auto& [name, unused] : rules) rule.may_include.insert(name);
    rules.emplace(folder, rule);
  }
  return rules;
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& prefixes) {
  for (const auto& prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

bool is_libtorch(const std::string& target) {
  return starts_with_any(target, {"torch/", "ATen/", "c10/", "caffe2/"});
}

// Headers that take seconds to parse or clash with LibTorch's own; sources only.
bool is_heavy(const std::string& target) {
  if (target == "nlohmann/json_fwd.hpp") return false;  // declarations alone
  return starts_with_any(target, {"yaml-cpp/", "CLI/", "spdlog/", "fmt/", "nlohmann/",
                                  "sentencepiece", "torch/torch.h", "torch/all.h"});
}

// "linformer/nn/encoder.h" -> "nn"; empty for anything else.
std::string included_folder(const std::string& target) {
  const std::string prefix = "linformer/";
  if (!target.starts_with(prefix)) return "";
  return target.substr(prefix.size(), target.find('/', prefix.size()) - prefix.size());
}

// What the file includes against the rules, one line each.
std::vector<std::string> violations(const SourceFile& file) {
  const auto rules = folder_rules();
  const auto rule = rules.find(file.folder);
  if (rule == rules.end()) return {file.path + ": the folder '" + file.folder + "' has no rule"};
  std::vector<std::string> found;
  for (const auto& [target, line] : find_includes(file.text)) {
    const std::string place = file.path + ":" + std::to_string(line) + ": ";
    const std::string folder = included_folder(target);
    if (!folder.empty() && folder != file.folder && !rule->second.may_include.count(folder)) {
      found.push_back(place + file.folder + " may not include " + folder);
    }
    if (is_libtorch(target) && !rule->second.libtorch) {
      found.push_back(place + file.folder + " may not see LibTorch");
    }
    if (target == "torch/torch.h" || target == "torch/all.h") {
      found.push_back(place + target + " costs 26 s a file; include what is used");
    }
    if (is_heavy(target) && file.is_header()) {
      found.push_back(place + target + " belongs into a source");
    }
    if (target.starts_with("spdlog/") && file.path != "src/core/log.cpp") {
      found.push_back(place + "spdlog stays behind core/log.h (its fmt is not LibTorch's)");
    }
  }
  return found;
}

SourceFile made_up(const std::string& path, const std::string& folder, const std::string& text) {
  return {path, folder, text};
}

TEST(IncludeOrder, ChecksWhatItSaysItChecks) {
  const auto nn = [](const std::string& text) {
    return violations(made_up("src/nn/encoder.cpp", "nn", text));
  };
  EXPECT_THAT(nn("#include \"linformer/core/error.h\"\n#include <ATen/ATen.h>\n"), IsEmpty());
  EXPECT_THAT(nn("#include \"linformer/nn/layers.h\"\n"), IsEmpty());
  EXPECT_THAT(nn("\n#include \"linformer/data/batch.h\"\n"),
              ElementsAre("src/nn/encoder.cpp:2: nn may not include data"));
  EXPECT_THAT(nn("# include <torch/torch.h>\n"), ElementsAre(HasSubstr("torch/torch.h costs")));
  EXPECT_THAT(nn("#include <spdlog/spdlog.h>\n"), ElementsAre(HasSubstr("spdlog stays behind")));
  EXPECT_THAT(violations(made_up("src/data/batch.cpp", "data", "#include <ATen/core/Tensor.h>\n")),
              ElementsAre("src/data/batch.cpp:1: data may not see LibTorch"));
  EXPECT_THAT(
      violations(made_up("include/linformer/config/a.h", "config", "#include <CLI/CLI.hpp>")),
      ElementsAre(HasSubstr("belongs into a source")));
  EXPECT_THAT(violations(made_up("src/odd/a.cpp", "odd", "")), ElementsAre(HasSubstr("no rule")));
}

TEST(IncludeOrder, JsonIsParsedInOnePlace) {
  // parse_json() bounds the nesting; any other parse would have to as well.
  const std::regex parse("([Jj]son|json_sax[a-z_]*)::(parse|accept|sax_parse|from_[a-z]+)\\(");
  EXPECT_TRUE(std::regex_search("const auto x = nlohmann::ordered_json::parse(text);", parse));
  EXPECT_TRUE(std::regex_search("return Json::parse(text);", parse));
  for (const auto& file : read_sources("src")) {
    if (file.path == "src/core/json_text.cpp") continue;
    EXPECT_FALSE(std::regex_search(file.text, parse))
        << file.path << " parses JSON by itself; call parse_json() of core/json_text.h";
  }
}

TEST(IncludeOrder, HasNoCycle) {
  // Repeatedly takes away folders that include only what is already gone; all have to go.
  auto rules = folder_rules();
  std::set<std::string> done;
  for (bool progress = true; progress;) {
    progress = false;
    for (auto rule = rules.begin(); rule != rules.end();) {
      bool ready = true;
      for (const auto& folder : rule->second.may_include) ready = ready && done.count(folder);
      if (ready) done.insert(rule->first);
      progress = progress || ready;
      rule = ready ? rules.erase(rule) : std::next(rule);
    }
  }
  EXPECT_THAT(rules, IsEmpty());
}

/// Every header of ours that these files see, directly or through another header.
std::set<std::string> all_included(const std::vector<SourceFile>& files) {
  std::map<std::string, std::string> headers;  // "linformer/nn/model.h" -> its text
  for (const auto& file : read_sources("include")) {
    headers[file.path.substr(std::string("include/").size())] = file.text;
  }
  std::set<std::string> seen;
  std::vector<std::string> texts;
  for (const auto& file : files) texts.push_back(file.text);
  while (!texts.empty()) {
    const std::string text = texts.back();
    texts.pop_back();
    for (const auto& [target, line] : find_includes(text)) {
      const auto header = headers.find(target);
      if (header != headers.end() && seen.insert(target).second) texts.push_back(header->second);
    }
  }
  return seen;
}

TEST(IncludeOrder, TheTrainerSeesNoModel) {
  const std::set<std::string> seen = all_included(read_sources("src/train"));
  EXPECT_TRUE(seen.count("linformer/train/objective.h"));
  for (const char* header : {"model", "encoder", "masked_lm_head", "classification_head"}) {
    EXPECT_FALSE(seen.count("linformer/nn/" + std::string(header) + ".h")) << header;
  }
}

TEST(IncludeOrder, HoldsInEveryFile) {
  size_t checked = 0;
  for (const char* under : {"include", "src"}) {
    for (const auto& file : read_sources(under)) {
      EXPECT_THAT(violations(file), IsEmpty());
      ++checked;
    }
  }
  EXPECT_GT(checked, 20u) << "the sources were not found";
}

}  // namespace
}  // namespace linformer
