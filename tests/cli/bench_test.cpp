// linformer-bench, run as a program.
#include <cstdlib>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/child_process.h"

#include "linformer/config/attention_kinds.h"

namespace linformer {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(BenchProgram, StepGivesSpeedMemoryAndShare) {
  const auto result = run_child({"linformer-bench", "step", "--steps", "2", "--batch-size", "1",
                                 "--set", "num_hidden_layers=1", "--optimizer", "lamb", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_GT(json.at("tokens_per_second").get<double>(), 0.0);
  EXPECT_EQ(json.at("optimizer"), "lamb");
  EXPECT_GT(json.at("mfu").get<double>(), 0.0);
  EXPECT_LT(json.at("mfu").get<double>(), 1.0);
  EXPECT_GT(json.at("peak_tensor_bytes").get<int64_t>(), int64_t{16} * 4'000'000);
}

TEST(BenchProgram, AttentionGivesTimeAndMemoryOfEachVariant) {
  const auto result =
      run_child({"linformer-bench", "attention", "--lengths", "64", "256", "--tokens", "256",
                 "--projected-length", "32", "--window", "16", "--repeats", "1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  const auto& measurements = json.at("measurements");
  // Each attention (a Linformer by three kinds of sharing, standard unfused as well), each further
  // projection, and a value convolution; at two lengths.
  const size_t variants = EnumNames<AttentionType>::kNames.size() + 3 +
                          (EnumNames<ProjectionType>::kNames.size() - 1) + 1;
  ASSERT_EQ(measurements.size(), 2 * variants);
  std::map<std::string, int64_t> bytes;
  for (const auto& one : measurements) {
    EXPECT_GT(one.at("forward_seconds").get<double>(), 0.0) << one;
    EXPECT_GE(one.at("training_bytes"), one.at("forward_bytes")) << one;
    if (one.at("n") == 256) bytes[one.at("variant")] = one.at("training_bytes");
  }
  // n x n matrices of four heads are what the others do without
  EXPECT_GT(bytes.at("standard_unfused"), bytes.at("headwise") + 256 * 256 * 4 * 4);
}

TEST(BenchProgram, AttentionLeavesOutWhatIsTooLargeOrImpossible) {
  const auto result = run_child({"linformer-bench", "attention", "--lengths", "48", "--tokens",
                                 "48", "--repeats", "1", "--max-gib", "1e-6", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto printed = nlohmann::json::parse(result.out);
  for (const auto& one : printed.at("measurements")) {
    // k = 128 > 48 for every Linformer, and the unfused matrices pass the limit
    const bool possible = one.at("variant") == "standard" || one.at("variant") == "local_window";
    EXPECT_EQ(one.at("forward_seconds").is_null(), !possible) << one;
  }
  EXPECT_EQ(run_child({"linformer-bench", "attention", "--window", "3"}).exit_code, 2);
  EXPECT_EQ(run_child({"linformer-bench", "attention", "--heads", "3"}).exit_code, 2);
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
  const auto graph = run_child({"linformer-bench", "step", "--step-graph", "--precision", "fp16"});
  EXPECT_EQ(graph.exit_code, 2);
  EXPECT_NE(graph.err.find("use --precision bf16 or fp32"), std::string::npos) << graph.err;
  const auto optimizer = run_child({"linformer-bench", "step", "--optimizer", "foo"});
  EXPECT_EQ(optimizer.exit_code, 2);
  EXPECT_THAT(optimizer.err, HasSubstr("'foo' is none of {adamw,lamb}"));
}

TEST(BenchProgram, WaitingThreadsSpinBriefly) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the programs of sanitizer builds do not start themselves again";
#endif
  ::unsetenv("OMP_WAIT_POLICY");
  ::unsetenv("GOMP_SPINCOUNT");
  const auto settings = [](std::vector<std::string> environment) {
    environment.push_back("OMP_DISPLAY_ENV=verbose");
    const auto result = run_child({"linformer-bench", "--version"}, {.environment = environment});
    EXPECT_EQ(result.exit_code, 0);
    return result.err;
  };
  EXPECT_THAT(settings({}), HasSubstr("GOMP_SPINCOUNT = '2000'"));
  EXPECT_THAT(settings({"GOMP_SPINCOUNT=77"}), HasSubstr("GOMP_SPINCOUNT = '77'"));
  EXPECT_THAT(settings({"OMP_WAIT_POLICY=active"}), HasSubstr("OMP_WAIT_POLICY = 'ACTIVE'"));
}

TEST(BenchProgram, StartsAgainUnderItsOwnName) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the programs of sanitizer builds do not start themselves again";
#endif
  ::unsetenv("OMP_WAIT_POLICY");
  ::unsetenv("GOMP_SPINCOUNT");
  std::set<std::string> names;
  const auto note_name = [&](pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/comm");
    std::string name;
    if (std::getline(file, name)) names.insert(name);
  };
  const auto result = run_child({"linformer-bench", "gemm"}, {.meanwhile = note_name});
  EXPECT_THAT(names, Contains("linformer-bench"));
  EXPECT_THAT(names, Not(Contains("exe")));
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

}  // namespace
}  // namespace linformer
