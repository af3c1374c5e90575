// linformer-bench operations, run as a program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/child_process.h"

#include "linformer/config/attention_kinds.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using Json = nlohmann::json;

ProgramResult run_operations(std::vector<std::string> arguments) {
  std::vector<std::string> command{"linformer-bench",    "operations", "--hidden-size", "16",
                                   "--projected-length", "8",          "--window",      "16"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_child(command);
}

TEST(BenchOperations, GivesCountsAndGrowthOfEachKind) {
  const auto result =
      run_operations({"--heads", "2", "--lengths", "64", "4", "128", "256", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json.at("hidden_size"), 16);
  EXPECT_EQ(json.at("num_attention_heads"), 2);
  EXPECT_EQ(json.at("projected_length"), 8);
  EXPECT_EQ(json.at("attention_window"), 16);
  EXPECT_EQ(json.at("lengths"), Json({4, 64, 128, 256}));
  // Each attention (a Linformer by three kinds of sharing), each further projection, and a value
  // convolution.
  EXPECT_EQ(json.at("kinds").size(), EnumNames<AttentionType>::kNames.size() - 1 + 3 +
                                         EnumNames<ProjectionType>::kNames.size() - 1 + 1);
  for (const Json& kind : json.at("kinds")) {
    SCOPED_TRACE(kind.dump());
    const std::string variant = kind.at("variant");
    const bool full = variant == "standard" || variant == "local_window";
    ASSERT_EQ(kind.at("measurements").size(), 4u);
    // k = 8 > 4
    const Json& shortest = kind.at("measurements").front();
    for (const char* key : {"attention_multiply_adds", "weight_multiply_adds", "multiply_adds",
                            "model_multiply_adds", "operator_calls"}) {
      EXPECT_EQ(shortest.at(key).is_null(), !full) << key;
      EXPECT_GT(kind.at("measurements").back().at(key).get<double>(), 0.0) << key;
    }
    EXPECT_GT(kind.at("whole_growth").at("exponent").get<double>(), 0.0);
    if (variant == "local_window") continue;
    EXPECT_NEAR(kind.at("attention_growth").at("exponent").get<double>(),
                variant == "standard" ? 2.0 : 1.0, 1e-9);
    EXPECT_NEAR(kind.at("attention_growth").at("standard_error").get<double>(), 0.0, 1e-9);
  }
}

TEST(BenchOperations, PrintsTables) {
  const auto result = run_operations({"--heads", "2", "--lengths", "4", "64", "128"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  // 2 x 4^2 x 16 = 512 multiply-adds; k = 8 > 4 is impossible for the others
  EXPECT_THAT(result.out, ContainsRegex("standard +0\\.000512 "));
  EXPECT_THAT(result.out, ContainsRegex("headwise +- "));
  EXPECT_THAT(result.out, ContainsRegex("standard +2\\.000 \\+- 0\\.000 "));
}

TEST(BenchOperations, RefusesWrongArguments) {
  const auto heads = run_operations({"--heads", "3"});
  EXPECT_EQ(heads.exit_code, 2);
  EXPECT_THAT(heads.err, HasSubstr("--heads: 3 heads do not divide width 16\n  fix: "));
  const auto lengths = run_operations({"--lengths", "64", "64"});
  EXPECT_EQ(lengths.exit_code, 2);
  EXPECT_THAT(lengths.err, HasSubstr("--lengths: one length shows no growth\n  fix: "));
  const auto window = run_child({"linformer-bench", "operations", "--window", "3"});
  EXPECT_EQ(window.exit_code, 2);
  EXPECT_THAT(window.err, AllOf(HasSubstr("--window: 3 is odd"), HasSubstr("\n  fix: ")));
  EXPECT_EQ(run_operations({"--lengths", "0", "4"}).exit_code, 2);
}

}  // namespace
}  // namespace linformer
