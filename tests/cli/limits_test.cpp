// Numbers too large for the machine, and files that shrink while they are read. The programs report
// an error before anything is built, and after everything was saved.
#include <chrono>
#include <map>

#include <nlohmann/json.hpp>

#include "cli/train_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class LimitsTest : public TrainProgramTest {
 protected:
  static void expect_refused(const ProgramResult& result, const std::string& what) {
    EXPECT_EQ(result.exit_code, 2) << what << ": " << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(what), HasSubstr("\n  fix: "))) << what;
  }
};

TEST_F(LimitsTest, ThreadsEverywhere) {
  for (const char* count : {"2048", "1000", "100000", "-1"}) {
    expect_refused(train("run", {std::string("run.threads=") + count}),
                   "run.threads: " + std::string(count));
    expect_refused(train("run", {std::string("data.loader_threads=") + count}),
                   "data.loader_threads: " + std::string(count));
  }
  EXPECT_FALSE(fs::exists(file("run")));
  ASSERT_EQ(train("run", {"training.max_steps=2"}).exit_code, 0);
  const std::string many = "100000";
  const std::vector<std::vector<std::string>> commands{
      {"linformer-eval", "perplexity", "--checkpoint", file("run"), "--data", valid_text()},
      {"linformer-eval", "task", "--checkpoint", file("run"), "--task", "sst-2", "--input",
       valid_text()},
      {"linformer-predict", "fill-mask", "--checkpoint", file("run"), "--text", "a <mask>"},
      {"linformer-predict", "classify", "--checkpoint", file("run"), "--text", "a"},
      {"linformer-predict", "features", "--checkpoint", file("run"), "--input", valid_text(),
       "--output", file("features")},
      {"linformer-bench", "step"},
      {"linformer-bench", "gemm"},
      {"linformer-bench", "attention"},
      {"linformer-bench", "encoder"},
      {"linformer-bench", "operations"},
      {"linformer-data", "prepare", "--input", valid_text(), "--output", file("more"),
       "--tokenizer", model()},
      {"linformer-data", "tokenizer", "--input", valid_text(), "--output", file("t.model")}};
  for (std::vector<std::string> command : commands) {
    command.insert(command.end(), {"--threads", many});
    const std::string name = command[0] + " " + command[1];
    const auto result = run_child(command);
    EXPECT_EQ(result.exit_code, 2) << name << ": " << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr("--threads"), HasSubstr("\n  fix: "))) << name;
  }
  EXPECT_EQ(run_child({"linformer-launch", "--nproc-per-node", "4000", "--", "true"}).exit_code, 2);
  const auto environment =
      run_child({"linformer-launch", "--nproc-per-node", "2", "--", "linformer-bench", "reduce"},
                {.environment = {"OMP_NUM_THREADS=100000"}});
  EXPECT_EQ(environment.exit_code, 2) << environment.err;
  EXPECT_THAT(environment.err, HasSubstr("OMP_NUM_THREADS: 100000"));
}

TEST_F(LimitsTest, LoopsThatTheCpuLacks) {
  const ProgramOptions unknown{.environment = {"LINFORMER_CPU_LOOPS=avx1024"}};
  expect_refused(train("run", {}, unknown), "LINFORMER_CPU_LOOPS");
  expect_refused(run_child({"linformer-bench", "step"}, unknown), "avx1024");
  EXPECT_FALSE(fs::exists(file("run")));
}

// On a CPU with AVX-512, the second run uses other loops than the first.
TEST_F(LimitsTest, EveryVersionOfTheLoopsTrainsTheSameWeights) {
  const ProgramOptions baseline{.environment = {"LINFORMER_CPU_LOOPS=baseline"}};
  const std::vector<std::string> settings{"training.max_steps=20", "run.threads=1"};
  ASSERT_EQ(train("baseline", settings, baseline).exit_code, 0);
  ASSERT_EQ(train("best", settings).exit_code, 0);
  EXPECT_EQ(bits_of("baseline", "step-00000020"), bits_of("best", "step-00000020"));
}

TEST_F(LimitsTest, ModelsThatDoNotFitAreRefusedBeforeTheyAreBuilt) {
  const std::map<std::string, std::vector<std::string>> cases{
      {"model.num_hidden_layers", {"model.num_hidden_layers=100000"}},
      {"model.hidden_size", {"model.hidden_size=4000000"}},
      {"are free", {"model.hidden_size=1000000"}},
      {"free", {"model.num_hidden_layers=4096", "model.hidden_size=4096"}},
      {"training.micro_batch_size",
       {"training.micro_batch_size=16000000", "training.global_batch_size=16000000",
        "model.hidden_size=64"}},
      {"model: ", {"model.intermediate_size=1000000", "model.hidden_size=100000"}},
      {"model.attention.projected_length",
       {"model.max_sequence_length=16000000", "model.attention.projected_length=16000000"}}};
  const auto start = std::chrono::steady_clock::now();
  for (const auto& [what, settings] : cases) {
    expect_refused(train("large", settings), what);
    expect_refused(train("large", settings, {}, {"--dry-run"}), what);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(120));
  EXPECT_FALSE(fs::exists(file("large") + "/checkpoints"));
  // The same in a model folder.
  ASSERT_EQ(train("run", {"training.max_steps=2"}).exit_code, 0);
  const std::string folder = file("folder");
  fs::copy(file("run") + "/checkpoints/step-00000002", folder, fs::copy_options::recursive);
  fs::remove(folder + "/MANIFEST.json");
  const auto description = nlohmann::json::parse(read_text_file(folder + "/config.json"));
  for (const auto& [key, value] : std::map<std::string, int64_t>{{"num_hidden_layers", 100000},
                                                                 {"hidden_size", 1000000},
                                                                 {"intermediate_size", 1 << 30}}) {
    auto changed = description;
    changed[key] = value;
    write_file_atomically(folder + "/config.json", changed.dump());
    const auto result =
        run_child({"linformer-eval", "perplexity", "--checkpoint", folder, "--data", valid_text()});
    EXPECT_THAT(result.exit_code, AnyOf(1, 2)) << key;
    EXPECT_THAT(result.err, HasSubstr("\n  fix: ")) << key;
  }
}

TEST_F(LimitsTest, DataWhyTakesNoNumbersThatNoRunHas) {
  const std::vector<std::string> base{"why", "--data", file("train"), "--tokenizer", model()};
  const auto why = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = base;
    command.insert(command.end(), more.begin(), more.end());
    return data(command);
  };
  const std::string huge = "9223372036854775807";
  for (const std::string& number : {huge, std::string("-9223372036854775808"), std::string("-1"),
                                    std::string("0"), std::string("2147483647000")}) {
    expect_refused(why({"--step=" + number}), "--step");
    expect_refused(why({"--step", "1", "--global-batch-size=" + number}), "--global-batch-size");
    expect_refused(why({"--step", "1", "--max-sequence-length=" + number}),
                   "--max-sequence-length");
  }
  // Large ones that a run may have are answered.
  const auto late = why({"--step", "200000000000", "--global-batch-size", "2"});
  EXPECT_EQ(late.exit_code, 0) << late.err;
  EXPECT_THAT(late.out, HasSubstr("row 1: "));
  const auto wide =
      why({"--step", "1", "--global-batch-size", "1", "--max-sequence-length", "16000000"});
  EXPECT_EQ(wide.exit_code, 0) << wide.err;
}

TEST_F(LimitsTest, AShardThatIsCutWhileItIsReadIsAnErrorAndTheRunIsSaved) {
  const std::vector<std::string> settings{"training.max_steps=300", "checkpoint.every=10",
                                          "evaluation.every=0", "run.threads=1"};
  ASSERT_EQ(train("whole", settings).exit_code, 0);
  const std::string shard = file("train") + "-00000.shard";
  const std::string bytes = read_text_file(shard);
  ASSERT_GT(bytes.size(), 20000u);
  for (const size_t left : {bytes.size() / 3, size_t{0}, bytes.size() - 1}) {
    const std::string name = "cut" + std::to_string(left);
    const ProgramOptions options{.meanwhile = [&, sent = false](pid_t) mutable {
      if (sent || !fs::exists(file(name) + "/checkpoints/step-00000010/MANIFEST.json")) return;
      fs::resize_file(shard, left);
      sent = true;
    }};
    const auto result = train(name, settings, options);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(shard + ": lost bytes"), HasSubstr(" is saved"),
                                  HasSubstr("\n  fix: ")));
    write_file_atomically(shard, bytes);
    const auto resumed = train(name, settings);
    ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
    EXPECT_TRUE(bits_of(name, "step-00000300") == bits_of("whole", "step-00000300")) << name;
  }
}

}  // namespace
}  // namespace linformer
