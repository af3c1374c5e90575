#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/child_process.h"
#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"

namespace linformer {

/// A sample corpus and a tokenizer, made once by the program itself.
class DataProgramTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = new TemporaryFolder();
    const auto sample = data({"sample", "--output", shared_->path(), "--megabytes", "2"});
    ASSERT_EQ(sample.exit_code, 0) << sample.err;
    const auto tokenizer = data({"tokenizer", "--input", text(), "--output", model(),
                                 "--vocab-size", "1000", "--sample-sentences", "5000"});
    ASSERT_EQ(tokenizer.exit_code, 0) << tokenizer.err;
  }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }

  static std::string text() { return shared_->file("train.txt"); }
  static std::string valid_text() { return shared_->file("valid.txt"); }
  static std::string model() { return shared_->file("tokenizer.model"); }

  /// Runs linformer-data.
  static ProgramResult data(std::vector<std::string> arguments,
                            const ProgramOptions& options = {}) {
    arguments.insert(arguments.begin(), "linformer-data");
    return run_child(arguments, options);
  }

  std::string file(const std::string& name) const { return folder_.file(name); }

  /// The command that encodes `input` to `prefix` in shards of 100 kB of text, and more arguments.
  std::vector<std::string> prepare_command(const std::string& input, const std::string& prefix,
                                           const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command{"prepare",  "--input",     input,
                                     "--output", file(prefix),  "--shard-mb",
                                     "0.1",      "--tokenizer", model()};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  ProgramResult prepare(const std::string& input, const std::string& prefix,
                        const std::vector<std::string>& more = {},
                        const ProgramOptions& options = {}) const {
    return data(prepare_command(input, prefix, more), options);
  }

  /// Name behind the prefix and content of each file of a set, e.g. "-00000.shard".
  std::map<std::string, std::string> files_of(const std::string& prefix) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(prefix)) continue;
      files[name.substr(prefix.size())] = read_text_file(entry.path().string());
    }
    return files;
  }

  TemporaryFolder folder_;

 private:
  static inline TemporaryFolder* shared_ = nullptr;
};

}  // namespace linformer
