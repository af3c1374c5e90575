// The layout of the repository: mirrored folders, sizes, and text that is specific to one machine.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
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

const std::string kTestSuffix = "_test";

bool has_tests(const SourceFile& file) {
  static const std::regex kTest("(^|\n)(TEST|TEST_F|TEST_P|TYPED_TEST)\\(");
  return !file.is_header() && std::regex_search(file.text, kTest);
}

bool is_source(const std::string& name) {
  // Parts that the CPU's kernels share are in a folder of their own.
  const size_t slash = name.find('/');
  const std::string on_cpu = "src/" + name.substr(0, slash) + "/cpu" + name.substr(slash) + ".h";
  return exists("include/linformer/" + name + ".h") || exists("src/" + name + ".h") ||
         exists("src/" + name + ".cpp") || exists(on_cpu);
}

TEST(Layout, FilesWithTestsAreCalledSo) {
  EXPECT_TRUE(has_tests({"a.cpp", "", "int x;\nTEST_F(Some, Thing) {}"}));
  EXPECT_FALSE(has_tests({"a.cpp", "", "// TEST(Some, Thing)"}));
  for (const auto& file : read_sources("tests")) {
    EXPECT_EQ(has_tests(file), !file.is_header() && file.stem().ends_with(kTestSuffix))
        << file.path;
  }
}

// A large source may have several: trainer_resume_test and trainer_features_test test trainer.
TEST(Layout, TestsMirrorSources) {
  for (const auto& file : read_sources("tests")) {
    // Tests of whole programs and of the repository have no one file they belong to.
    const bool whole = file.folder == "cli" || file.folder == "architecture";
    if (whole || !file.stem().ends_with(kTestSuffix)) continue;
    std::string stem = file.stem().substr(0, file.stem().size() - kTestSuffix.size());
    bool found = is_source(file.folder + "/" + stem);
    while (!found && stem.find('_') != std::string::npos) {
      stem.erase(stem.rfind('_'));
      found = is_source(file.folder + "/" + stem);
    }
    EXPECT_TRUE(found) << file.path << " tests no file of its name";
  }
}

/// Sources without a test file of their name, and the tests that cover them: parts of another
/// source, kinds that one test goes through, and what only shows in a whole program.
const std::map<std::string, std::string>& tested_elsewhere() {
  static const std::map<std::string, std::string> kTests{
      {"analysis/attention_benchmark", "cli/bench"},
      {"analysis/attention_variants", "cli/bench"},
      {"analysis/finite_outputs", "cli/finite"},
      {"checkpoint/model_files", "models/model_folder"},
      {"checkpoint/model_path", "checkpoint/find_model"},
      {"checkpoint/strict_json", "checkpoint/safetensors_reader"},
      {"checkpoint/tensor_type", "checkpoint/safetensors_writer"},
      {"config/attention_kinds", "architecture/extending"},
      {"config/conv_projection", "config/model_config"},
      {"config/describe", "config/config_file"},
      {"config/linear_projection", "config/model_config"},
      {"config/linformer_attention", "config/model_config"},
      {"config/lint", "config/pretrain_config"},
      {"config/local_window_attention", "config/model_config"},
      {"config/max_pool_projection", "config/model_config"},
      {"config/mean_pool_projection", "config/model_config"},
      {"config/rules", "config/pretrain_config"},
      {"config/scalar", "config/config_file"},
      {"config/setting_names", "config/config_file"},
      {"config/standard_attention", "config/model_config"},
      {"config/strided_projection", "config/model_config"},
      {"config/trainer_config", "config/pretrain_config"},
      {"config/yaml_check", "config/config_file"},
      {"config/yaml_reader", "config/config_file"},
      {"config/yaml_section", "config/experiment_file"},
      {"data/json_row", "data/examples"},
      {"data/text_dataset", "data/labelled_dataset"},
      {"dist/output_stream", "dist/supervisor"},
      {"dist/rendezvous", "dist/process_group"},
      {"experiments/report_attention", "experiments/experiment_report"},
      {"experiments/report_panels", "experiments/experiment_report"},
      {"experiments/report_perplexity", "experiments/experiment_report"},
      {"experiments/report_speed", "experiments/experiment_report"},
      {"experiments/report_tables", "experiments/experiment_report"},
      {"experiments/finetune_suite", "cli/finetune"},
      {"experiments/job_queue", "cli/finetune"},
      {"experiments/pretrain_sweep", "cli/train_sweep"},
      {"experiments/sweep", "cli/train_sweep"},
      {"experiments/suite_report", "cli/finetune"},
      {"experiments/text_baseline", "cli/finetune"},
      {"kernels/matmul_peak", "cli/bench"},
      {"kernels/thread_setup", "cli/limits"},
      {"models/model_tokenizer", "models/model_conversion"},
      {"models/output_folder", "models/model_conversion"},
      {"models/tokenizer_conversion", "cli/exchange"},
      {"nn/attend", "nn/self_attention"},
      {"nn/attention_kinds", "nn/self_attention"},
      {"nn/conv_projection", "nn/self_attention"},
      {"nn/linear", "nn/self_attention"},
      {"nn/linear_projection", "nn/sequence_projection"},
      {"nn/linformer_attention", "nn/self_attention"},
      {"nn/local_window_attention", "nn/self_attention"},
      {"nn/masked_lm_head", "nn/model"},
      {"nn/matrix_projection", "nn/self_attention"},
      {"nn/max_pool_projection", "nn/self_attention"},
      {"nn/mean_pool_projection", "nn/self_attention"},
      {"nn/norm_parameters", "nn/model"},
      {"nn/parameters", "nn/model"},
      {"nn/projection_start", "nn/sequence_projection"},
      {"nn/resample", "models/model_conversion"},
      {"nn/standard_attention", "nn/self_attention"},
      {"objectives/step_probe", "objectives/dry_run"},
      {"objectives/masked_lm_pass", "train/step_graph"},
      {"objectives/batch_input", "objectives/masked_lm_loss"},
      {"objectives/finetune_data", "objectives/finetune_run"},
      {"objectives/masked_lm_objective", "train/trainer"},
      {"objectives/model_check", "objectives/dry_run"},
      {"objectives/pretraining_run", "train/trainer"},
      {"report/bar_plot", "report/plot"},
      {"report/gnuplot", "report/plot"},
      {"report/heat_map", "report/plot"},
      {"report/html_style", "report/html_page"},
      {"report/line_plot", "report/plot"},
      {"report/plot_script", "report/plot"},
      {"report/run_curves", "report/run_page"},
      {"report/task_table_comparison", "report/task_table"},
      {"report/task_table_text", "report/task_table"},
      {"text/byte_alphabet", "text/byte_bpe_model"},
      {"core/quiet", "cli/command_line"},
      {"text/character_table", "cli/exchange"},
      {"text/gpt2_words", "text/byte_bpe_model"},
      {"text/sentencepiece_file", "text/tokenizer"},
      {"text/sentencepiece_model", "text/tokenizer"},
      {"text/transformers_tokenizer", "cli/exchange"},
      {"train/run_snapshot", "train/checkpoint_writer"},
      {"train/trainer_report", "train/trainer"},
  };
  return kTests;
}

TEST(Layout, SourcesHaveTests) {
  const auto test_exists = [](const std::string& name) {
    return exists("tests/" + name + kTestSuffix + ".cpp");
  };
  for (const auto& file : read_sources("src")) {
    // Programs are tested as a whole, and kernels of a device against the reference.
    if (file.is_header() || file.folder == "cli" || build_folder(file.path) == "src/kernels/cuda" ||
        std::filesystem::path(file.path).parent_path() != "src/" + file.folder) {
      continue;
    }
    const std::string name = file.folder + "/" + file.stem();
    EXPECT_NE(test_exists(name), tested_elsewhere().count(name) > 0)
        << name << " needs a test file of its name, or a line in tested_elsewhere(), not both";
  }
  for (const auto& [source, test] : tested_elsewhere()) {
    EXPECT_TRUE(exists("src/" + source + ".cpp")) << source;
    EXPECT_TRUE(test_exists(test)) << test;
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

// A reader that ends before its input kills the writer, and `set -o pipefail` makes this a failure,
// if the writer is slow enough: `list | grep -q x` fails now and then although x is there.
TEST(Layout, NoPipeOfAScriptEndsEarly) {
  const std::regex early(R"((^|[^|])\|&?\s*(head\b|grep\s+(-\w+\s+)*-\w*[qm]|awk\b.*\bexit\b))");
  const auto ends_early = [&](const std::string& line) { return std::regex_search(line, early); };
  for (const char* line :
       {"list | grep -q x", "list | head -n 1", "list |grep -E -q x", "list 2>&1 | grep -Fqx x",
        "list | grep -m 1 x", "list | awk '/x/ { print; exit }'"}) {
    EXPECT_TRUE(ends_early(line)) << line;
  }
  for (const char* line : {"grep -q x file || fail", "a || head -n 1 file", "list | grep -v quick",
                           "list | sed -n 1p", "list | header", "awk '{ print; exit }' file"}) {
    EXPECT_FALSE(ends_early(line)) << line;
  }
  int scripts = 0;
  for (const auto& file : read_all_text()) {
    if (!file.text.starts_with("#!")) continue;
    ++scripts;
    std::istringstream lines(file.text);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_FALSE(ends_early(line)) << file.path << ": " << line;
    }
  }
  EXPECT_GT(scripts, 10);
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
