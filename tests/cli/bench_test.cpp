// linformer-bench, run as a program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/child_process.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

TEST(BenchProgram, StepGivesSpeedMemoryAndShare) {
  const auto result = run_child({"linformer-bench", "step", "--steps", "2", "--batch-size", "1",
                                 "--set", "num_hidden_layers=1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_GT(json.at("tokens_per_second").get<double>(), 0.0);
  EXPECT_GT(json.at("peak_share").get<double>(), 0.0);
  EXPECT_LT(json.at("peak_share").get<double>(), 1.0);
  EXPECT_GT(json.at("peak_tensor_bytes").get<int64_t>(), int64_t{16} * 4'000'000);
}

TEST(BenchProgram, Gemm) {
  const auto result = run_child({"linformer-bench", "gemm", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GT(nlohmann::json::parse(result.out).at("matmul_peak_gflops").get<double>(), 1.0);
}

TEST(BenchProgram, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(run_child({"linformer-bench"}).exit_code, 2);
  EXPECT_EQ(run_child({"linformer-bench", "step", "--model", "huge"}).exit_code, 2);
  const auto unknown = run_child({"linformer-bench", "step", "--set", "hiden_size=8"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("hidden_size"));
}

}  // namespace
}  // namespace linformer
