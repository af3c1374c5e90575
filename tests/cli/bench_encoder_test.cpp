// linformer-bench encoder, run as a program.
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/child_process.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

/// A tiny encoder: one layer of width 32 with two heads.
ProgramResult run_encoder(std::vector<std::string> arguments) {
  std::vector<std::string> command{"linformer-bench", "encoder", "--hidden-size", "32",
                                   "--heads",         "2",       "--layers",      "1"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_child(command);
}

Json cell_of(const Json& json, const std::string& variant, int n, const Json& k = {}) {
  for (const Json& cell : json.at("cells")) {
    if (cell.at("variant") == variant && cell.at("n") == n && cell.at("k") == k) return cell;
  }
  ADD_FAILURE() << "no cell " << variant << ", n = " << n << ", k = " << k;
  return {};
}

TEST(BenchEncoder, MeasuresEveryVariant) {
  const auto result = run_encoder({"--lengths", "64", "32", "--projected-lengths", "16", "48",
                                   "--tokens", "128", "--repeats", "2", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("n = 32: standard "), HasSubstr("n = 64: standard ")));
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json.at("hidden_size"), 32);
  EXPECT_EQ(json.at("num_attention_heads"), 2);
  EXPECT_EQ(json.at("num_hidden_layers"), 1);
  EXPECT_EQ(json.at("tokens"), 128);
  EXPECT_EQ(json.at("memory_gib"), 16.0);
  EXPECT_EQ(json.at("device"), "cpu");
  EXPECT_GT(json.at("threads").get<int>(), 0);
  // Both standard variants, k = 16 at both lengths, and k = 48 at n = 64 only.
  ASSERT_EQ(json.at("cells").size(), 2u + 1 + 2 + 2);
  for (const Json& cell : json.at("cells")) {
    SCOPED_TRACE(cell.dump());
    EXPECT_EQ(cell.at("status"), "measured");
    EXPECT_EQ(cell.at("batch_size").get<int>() * cell.at("n").get<int>(), 128);
    EXPECT_EQ(cell.at("sequences_at_a_time"), cell.at("batch_size"));
    EXPECT_GT(cell.at("seconds_min").get<double>(), 0.0);
    EXPECT_LE(cell.at("seconds_min"), cell.at("seconds"));
    EXPECT_LE(cell.at("seconds"), cell.at("seconds_max"));
    const double fixed = cell.at("bytes_fixed");
    const double each = cell.at("bytes_per_sequence");
    const double line = fixed + each * cell.at("batch_size").get<double>();
    // Above a size, a product of weights takes a copy of them.
    EXPECT_NEAR(line, cell.at("peak_bytes").get<double>(), 0.06 * line);
    EXPECT_EQ(cell.at("largest_batch"), static_cast<int64_t>(((16LL << 30) - fixed) / each));
    EXPECT_EQ(cell.at("flop_bound").is_null(), cell.at("variant") != "linformer");
  }
}

TEST(BenchEncoder, GivesRatiosAndFlops) {
  const auto result = run_encoder({"--lengths", "64", "--projected-lengths", "16", "--tokens",
                                   "128", "--repeats", "1", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  const Json standard = cell_of(json, "standard", 64);
  const Json unfused = cell_of(json, "standard_unfused", 64);
  const Json linformer = cell_of(json, "linformer", 64, 16);
  // Multiply-adds per token with d = 32, feed-forward 8 d^2 = 8192, two FLOPs each:
  //   standard    4 d^2 + 2 n d = 4096 + 4096
  //   linformer   2 d^2 + 4 k d + 2 d^2 k / n = 2048 + 2048 + 512
  EXPECT_EQ(standard.at("flops_per_token"), 2 * (8192 + 4096 + 4096));
  EXPECT_EQ(linformer.at("flops_per_token"), 2 * (8192 + 2048 + 2048 + 512));
  EXPECT_DOUBLE_EQ(linformer.at("flop_bound"), 16384.0 / 12800.0);
  const auto ratio = [](const Json& a, const Json& b, const char* key) {
    return a.at(key).get<double>() / b.at(key).get<double>();
  };
  EXPECT_DOUBLE_EQ(linformer.at("time_saved_vs_fused"), ratio(standard, linformer, "seconds"));
  EXPECT_DOUBLE_EQ(linformer.at("time_saved_vs_unfused"), ratio(unfused, linformer, "seconds"));
  EXPECT_DOUBLE_EQ(linformer.at("memory_saved_vs_fused"),
                   ratio(linformer, standard, "largest_batch"));
  EXPECT_DOUBLE_EQ(linformer.at("memory_saved_vs_unfused"),
                   ratio(linformer, unfused, "largest_batch"));
  // Two heads' scores and probabilities, 64 x 64 floats each.
  EXPECT_GE(unfused.at("bytes_per_sequence"), 2 * 2 * 64 * 64 * 4);
  EXPECT_EQ(standard.at("time_saved_vs_fused"), 1.0);
}

TEST(BenchEncoder, MarksWhatIsTooLarge) {
  // Unfused, n = 512: 2 x 2 x 512 x 512 floats are 4 MiB, which exceed 0.003 GiB.
  const std::vector<std::string> arguments{"--lengths",    "512",   "--projected-lengths", "16",
                                           "--tokens",     "16384", "--max-gib",           "0.003",
                                           "--memory-gib", "0.003", "--repeats",           "1"};
  auto with_json = arguments;
  with_json.push_back("--json");
  const auto result = run_encoder(with_json);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  const Json unfused = cell_of(json, "standard_unfused", 512);
  EXPECT_EQ(unfused.at("status"), "too large");
  EXPECT_TRUE(unfused.at("seconds").is_null());
  EXPECT_TRUE(unfused.at("bytes_per_sequence").is_null());
  EXPECT_EQ(unfused.at("largest_batch"), 0);
  const Json linformer = cell_of(json, "linformer", 512, 16);
  EXPECT_EQ(linformer.at("status"), "measured");
  EXPECT_TRUE(linformer.at("time_saved_vs_unfused").is_null());
  EXPECT_TRUE(linformer.at("memory_saved_vs_unfused").is_null());
  EXPECT_FALSE(linformer.at("memory_saved_vs_fused").is_null());
  // The batch of 32 runs in parts that fit.
  const int64_t parts = linformer.at("sequences_at_a_time");
  EXPECT_EQ(linformer.at("batch_size"), 32);
  EXPECT_LT(parts, 32);
  EXPECT_LE(linformer.at("peak_bytes").get<double>(), 1.02 * 0.003 * 1073741824.0);

  const auto text = run_encoder(arguments);
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("too large"));
  EXPECT_THAT(text.out, HasSubstr("> " + linformer.at("largest_batch").dump()));
}

TEST(BenchEncoder, MarksWhatIsTooSlow) {
  const std::vector<std::string> arguments{"--lengths", "32",        "64",  "--projected-lengths",
                                           "16",        "--tokens",  "128", "--max-seconds",
                                           "1e-9",      "--repeats", "1"};
  auto with_json = arguments;
  with_json.push_back("--json");
  const auto result = run_encoder(with_json);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  for (const Json& cell : json.at("cells")) {
    SCOPED_TRACE(cell.dump());
    // The first length has no prediction and is measured.
    const bool slow = cell.at("n") == 64;
    EXPECT_EQ(cell.at("status"), slow ? "too slow" : "measured");
    EXPECT_EQ(cell.at("seconds").is_null(), slow);
    EXPECT_EQ(cell.at("predicted_seconds").is_null(), !slow);
  }
  // The same number of tokens, so the time of n = 32 times the ratio of FLOPs per token.
  const Json before = cell_of(json, "standard", 32);
  const Json after = cell_of(json, "standard", 64);
  EXPECT_DOUBLE_EQ(after.at("predicted_seconds"), before.at("seconds").get<double>() *
                                                      after.at("flops_per_token").get<double>() /
                                                      before.at("flops_per_token").get<double>());
  EXPECT_THAT(run_encoder(arguments).out, HasSubstr("too slow ("));
}

TEST(BenchEncoder, PrintsThePapersTables) {
  const auto result = run_encoder({"--lengths", "32", "64", "--projected-lengths", "16", "48",
                                   "--tokens", "64", "--repeats", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("seconds a batch"));
  EXPECT_THAT(result.out, HasSubstr("time saved against standard_unfused"));
  EXPECT_THAT(result.out, HasSubstr("memory saved"));
  EXPECT_THAT(result.out, HasSubstr("largest batch in 16.0 GiB"));
  EXPECT_THAT(result.out, HasSubstr("k = 16"));
  // FLOP bounds: n = 32 (8192 + 4096 + 2048) / (8192 + 2048 + 2048 + 1024), and k = 48 > 32
  EXPECT_THAT(result.out, ::testing::ContainsRegex("32 +1\\.08 +-\n"));
}

TEST(BenchEncoder, RefusesWrongArguments) {
  const auto heads =
      run_child({"linformer-bench", "encoder", "--hidden-size", "32", "--heads", "3"});
  EXPECT_EQ(heads.exit_code, 2);
  EXPECT_THAT(heads.err, HasSubstr("--heads: 3 heads do not divide width 32\n  fix: "));
  const auto lengths = run_encoder({"--lengths", "64", "--projected-lengths", "64"});
  EXPECT_EQ(lengths.exit_code, 2);
  EXPECT_THAT(lengths.err,
              HasSubstr("--projected-lengths: no k is below the longest n = 64\n  fix: "));
  EXPECT_EQ(run_encoder({"--lengths", "0"}).exit_code, 2);
  EXPECT_EQ(run_encoder({"--repeats", "0"}).exit_code, 2);
  EXPECT_EQ(run_encoder({"--max-gib", "0"}).exit_code, 2);
  const auto device = run_encoder({"--device", "gpu"});
  EXPECT_EQ(device.exit_code, 2);
  EXPECT_THAT(device.err, HasSubstr("'gpu' is none of {auto,cpu,cuda}"));
}

TEST(BenchEncoder, PrintsNothingAfterAStopSignal) {
  int milliseconds = 0;
  const auto stop = [&](pid_t process) {
    if (++milliseconds == 1000) kill(process, SIGINT);
  };
  const auto result = run_child({"linformer-bench", "encoder", "--hidden-size", "32", "--heads",
                                 "2", "--layers", "1", "--lengths", "4096", "--repeats", "1000"},
                                {.meanwhile = stop});
  EXPECT_EQ(result.exit_code, 128 + SIGINT);
  EXPECT_THAT(result.out, IsEmpty());
}

}  // namespace
}  // namespace linformer
