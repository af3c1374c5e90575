#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/model_fixture.h"

namespace linformer {

/// Small models whose attention linformer-eval measures, and a labelled file.
class AttentionProgramTest : public SmallModelTest {
 protected:
  explicit AttentionProgramTest(std::string command) : command_(std::move(command)) {}

  void SetUp() override {
    const auto types = [](std::vector<AttentionType> names) {
      return [names](ModelConfig& config) {
        config.attention.attention_window = 4;
        config.attention.type = OneOrMany<AttentionType>(names);
      };
    };
    const AttentionType window = *enum_of<AttentionType>("local_window");
    make_model("mixed", {}, types({AttentionType::kStandard, AttentionType::kLinformer}));
    make_model("standard", {HeadType::kClassification, {"0", "1"}},
               types({AttentionType::kStandard, AttentionType::kStandard}));
    make_model("linformer", {}, types({AttentionType::kLinformer, AttentionType::kLinformer}));
    make_model("window", {}, types({window, window}));
    std::string rows = "sentence\tlabel\nbad\t0\n";
    for (int i = 0; i < 4; ++i) {
      rows += std::string(i < 2 ? "the old house" : "a river and") +
              " and the stone of the river and the house of the old stone in the house by the "
              "river, and the stone in the old river\t1\n";
    }
    write_file_atomically(file("dev.tsv"), rows);
  }

  ProgramResult run(const std::string& checkpoint, const std::vector<std::string>& more) const {
    std::vector<std::string> command{"linformer-eval", command_, "--checkpoint", file(checkpoint)};
    command.insert(command.end(), more.begin(), more.end());
    return run_child(command);
  }
  nlohmann::json json_of(const std::string& checkpoint, std::vector<std::string> more) const {
    more.push_back("--json");
    const ProgramResult result = run(checkpoint, more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.exit_code == 0 ? nlohmann::json::parse(result.out) : nlohmann::json();
  }
  void expect_refusal(const std::string& checkpoint, const std::vector<std::string>& more,
                      int exit_code, const std::vector<std::string>& texts) const {
    const ProgramResult result = run(checkpoint, more);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.out, "");
    for (const std::string& text : texts) EXPECT_THAT(result.err, ::testing::HasSubstr(text));
    EXPECT_THAT(result.err, ::testing::HasSubstr("\n  fix: "));
  }

 private:
  std::string command_;
};

}  // namespace linformer
