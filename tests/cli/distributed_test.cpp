// linformer-train as several processes, started by linformer-launch.
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <ATen/ATen.h>

#include "cli/listening_sockets.h"
#include "cli/train_fixture.h"

#include "linformer/checkpoint/tensor_files.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

bool is_nightly() {
  const char* const nightly = std::getenv("LINFORMER_NIGHTLY");
  return nightly != nullptr && std::string(nightly) == "1";
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The largest difference of any tensor of two files, over the largest number of that tensor.
double largest_difference(const std::string& a, const std::string& b, const std::string& prefix) {
  const auto first = load_tensors(a);
  const auto second = load_tensors(b);
  EXPECT_EQ(first.size(), second.size());
  double largest = 0.0;
  for (const auto& [name, tensor] : first) {
    if (!name.starts_with(prefix)) continue;
    const double scale = tensor.abs().max().item<double>();
    const double difference = (tensor - second.at(name)).abs().max().item<double>();
    largest = std::max(largest, scale > 0.0 ? difference / scale : difference);
  }
  return largest;
}

class DistributedTest : public TrainProgramTest {
 protected:
  /// Trains in the run folder `name` with `processes` of them; each leaves its process number.
  ProgramResult launch(int processes, const std::string& name,
                       const std::vector<std::string>& settings = {},
                       const ProgramOptions& options = {},
                       const std::vector<std::string>& more = {}) const {
    for (int rank = 0; rank < processes; ++rank) fs::remove(pid_file(name, rank));
    std::vector<std::string> command{"linformer-launch",
                                     "--nproc-per-node",
                                     std::to_string(processes),
                                     "--stop-seconds",
                                     "5",
                                     "--",
                                     "sh",
                                     "-c",
                                     "echo $$ > $1.pid$RANK; shift; exec \"$@\"",
                                     "sh",
                                     file(name),
                                     std::string(LINFORMER_PROGRAMS_DIR) + "/linformer-train",
                                     "--config",
                                     config(),
                                     "--set",
                                     "run.dir=" + file(name)};
    for (const std::string& setting : settings) {
      command.push_back("--set");
      command.push_back(setting);
    }
    command.insert(command.end(), more.begin(), more.end());
    return run_child(command, options);
  }
  void train_whole(int processes, const std::string& name,
                   const std::vector<std::string>& settings = {},
                   const std::vector<std::string>& more = {}) const {
    const auto result = launch(processes, name, settings, {}, more);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  std::string pid_file(const std::string& name, int rank) const {
    return file(name) + ".pid" + std::to_string(rank);
  }
  std::string checkpoint(const std::string& name, const std::string& step) const {
    return file(name) + "/checkpoints/" + step;
  }
  /// Sends a signal to one process (to the launcher if rank < 0) once the checkpoint is there.
  ProgramOptions signal_at(const std::string& name, const std::string& step, int rank,
                           int signal_number) const {
    return {.meanwhile = [=, this, sent = false](pid_t launcher) mutable {
      if (sent || !fs::exists(checkpoint(name, step) + "/MANIFEST.json")) return;
      ::kill(rank < 0 ? launcher : std::stoi(read_text_file(pid_file(name, rank))), signal_number);
      sent = true;
    }};
  }
};

TEST_F(DistributedTest, OneByFourIsTwoByTwoIsFourByOne) {
  // After one update the first moment is (1 - beta1) times the gradient: every gradient is looked
  // at. The micro-batches have unequal numbers of masked tokens. Dropout is on.
  const std::vector<std::string> settings{"training.global_batch_size=8",
                                          "training.micro_batch_size=2",
                                          "training.optimizer.eps=1.0e-3",
                                          "training.max_steps=5",
                                          "checkpoint.every=1",
                                          "checkpoint.keep_last=9",
                                          "evaluation.every=5"};
  for (const int processes : {1, 2, 4}) {
    train_whole(processes, "run" + std::to_string(processes), settings);
  }
  for (const char* name : {"run2", "run4"}) {
    const std::string moments = "/training/optimizer.safetensors";
    EXPECT_LT(largest_difference(checkpoint(name, "step-00000001") + moments,
                                 checkpoint("run1", "step-00000001") + moments, "exp_avg."),
              1e-5);
    EXPECT_LT(largest_difference(checkpoint(name, "step-00000005") + "/model.safetensors",
                                 checkpoint("run1", "step-00000005") + "/model.safetensors", ""),
              1e-5);
    EXPECT_EQ(read_text_file(file(name) + "/log.jsonl").find("nan"), std::string::npos);
  }
  // The same run again has the same bits, also where layers are computed again on the way back.
  train_whole(2, "recomputed",
              settings + std::vector<std::string>{"training.activation_checkpointing=true"});
  EXPECT_EQ(bits_of("recomputed", "step-00000005"), bits_of("run2", "step-00000005"));
}

TEST_F(DistributedTest, WhatMovesDuringARunMovesAlikeInAllProcesses) {
  const std::vector<std::string> settings{"training.global_batch_size=8",
                                          "training.micro_batch_size=2",
                                          "training.batch_ramp={start: 4, steps: 4}",
                                          "training.ema_decay=0.9",
                                          "training.optimizer.eps=1.0e-3",
                                          "training.max_steps=6",
                                          "data.masking=whole_word",
                                          "data.final_mlm_probability=0.4",
                                          "logging.statistics_every=3",
                                          "logging.profile.first_step=3",
                                          "evaluation.every=6"};
  for (const int processes : {1, 2}) {
    train_whole(processes, "run" + std::to_string(processes), settings);
  }
  for (const char* file_name : {"/model.safetensors", "/training/ema.safetensors"}) {
    EXPECT_LT(largest_difference(checkpoint("run2", "latest") + file_name,
                                 checkpoint("run1", "latest") + file_name, ""),
              1e-5)
        << file_name;
  }
  for (const char* name : {"run1", "run2"}) {
    EXPECT_TRUE(fs::exists(file(name) + "/trace-00000003-00000005.json")) << name;
    EXPECT_THAT(read_text_file(file(name) + "/log.jsonl"), HasSubstr("updates/layer_00.attention"));
  }
  // In bf16 each process rounds its own part of the gradients: 8 bits of mantissa.
  const std::vector<std::string> low =
      settings + std::vector<std::string>{"training.precision=bf16"};
  for (const int processes : {1, 2}) {
    train_whole(processes, "low" + std::to_string(processes), low, {"--force-slow-precision"});
  }
  EXPECT_LT(largest_difference(checkpoint("low2", "latest") + "/model.safetensors",
                               checkpoint("low1", "latest") + "/model.safetensors", ""),
            1e-2);
}

TEST_F(DistributedTest, AShardedOptimizerGivesTheSameBitsAndGoesOnWithAnyNumber) {
  const std::vector<std::string> base{"training.global_batch_size=8", "training.micro_batch_size=2",
                                      "training.optimizer.eps=1.0e-3"};
  const auto train = [&](const std::string& name, int processes, int steps,
                         const std::string& sharded) {
    train_whole(processes, name,
                base + std::vector<std::string>{"training.max_steps=" + std::to_string(steps),
                                                "distributed.shard_optimizer=" + sharded});
  };
  train("whole", 4, 4, "false");
  train("sharded", 4, 4, "true");
  EXPECT_EQ(bits_of("sharded", "step-00000004"), bits_of("whole", "step-00000004"));
  train("sharded", 2, 8, "true");
  train("sharded", 1, 12, "false");
  // One process alone, without stopping: the same to rounding.
  train_whole(1, "alone", base + std::vector<std::string>{"training.max_steps=12"});
  EXPECT_LT(largest_difference(checkpoint("sharded", "step-00000012") + "/model.safetensors",
                               checkpoint("alone", "step-00000012") + "/model.safetensors", ""),
            1e-4);
}

TEST_F(DistributedTest, WhateverEndsAProcessNothingIsLost) {
  const std::vector<std::string> settings{"training.max_steps=30", "evaluation.every=0"};
  const std::string last = "step-00000030";
  train_whole(2, "whole", settings);
  const auto goes_on = [&](const std::string& name) {
    EXPECT_FALSE(fs::exists(checkpoint(name, last)));
    train_whole(2, name, settings);
    EXPECT_EQ(bits_of(name, last), bits_of("whole", last)) << name;
  };
  const bool nightly = is_nightly();
  for (const int rank : nightly ? std::vector<int>{1, 0, 1, 0, 1, 0} : std::vector<int>{1}) {
    fs::remove_all(file("killed"));
    const auto result =
        launch(2, "killed", settings, signal_at("killed", "step-00000010", rank, SIGKILL));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err,
                AllOf(HasSubstr("rank " + std::to_string(rank) + " (process "),
                      HasSubstr("signal 9 (Killed)"), HasSubstr("another process is gone")));
    if (rank == 1) {
      EXPECT_THAT(result.err, HasSubstr("without the other processes; step "));
    }
    goes_on("killed");
  }
  // SIGTERM to the launcher, and to one process alone.
  for (const int rank : nightly ? std::vector<int>{-1, 0, 1} : std::vector<int>{1}) {
    fs::remove_all(file("stopped"));
    const auto result =
        launch(2, "stopped", settings, signal_at("stopped", "step-00000010", rank, SIGTERM));
    EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr("stopped by a signal"), Not(HasSubstr("error"))));
    goes_on("stopped");
  }
}

TEST_F(DistributedTest, AProcessThatHangsStopsAllInTime) {
  const auto result = launch(2, "hung", {"distributed.timeout_seconds=8", "evaluation.every=0"},
                             signal_at("hung", "step-00000010", 1, SIGSTOP));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("kept this one waiting for more than 8 s"),
                                HasSubstr("rank 0 (process "), HasSubstr("rank 1 (process "),
                                HasSubstr("has not ended; it is killed"),
                                HasSubstr("without the other processes; step ")));
  const auto resumed = train("hung", {"evaluation.every=0"});  // also by one process alone
  EXPECT_EQ(resumed.exit_code, 0);
  EXPECT_THAT(resumed.err, HasSubstr("resumed from"));
}

TEST_F(DistributedTest, ASignalToTheWholeGroupSaves) {
  // systemd and scancel send it to the launcher and to what it has started; the launcher passes its
  // own on as well.
  const std::vector<std::string> settings{"training.max_steps=100000", "evaluation.every=0",
                                          "checkpoint.every=10", "checkpoint.keep_last=1"};
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    const std::string name = "group" + std::to_string(number);
    const ProgramOptions options{.meanwhile = [&, sent = false](pid_t launcher) mutable {
      if (sent || !fs::exists(checkpoint(name, "latest"))) return;
      sent = true;
      for (const int rank : {0, 1}) ::kill(std::stoi(read_text_file(pid_file(name, rank))), number);
      ::kill(launcher, number);
    }};
    const auto result = launch(2, name, settings, options);
    EXPECT_EQ(result.exit_code, 128 + number) << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr("; saved in " + file(name)), Not(HasSubstr("error"))));
    const size_t after = result.err.find("after step ") + 11;
    std::string step = result.err.substr(after, result.err.find(';', after) - after);
    std::erase(step, ',');
    const auto inspected = data({"inspect", file(name), "--json"});
    EXPECT_THAT(inspected.out, HasSubstr("\"step\": " + step));
  }
}

TEST_F(DistributedTest, OneThatStopsBeforeTheOthersHaveJoinedStopsThem) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = run_child({"linformer-launch", "--nproc-per-node", "2", "--", "sh", "-c",
                                 "if [ $RANK = 1 ]; then sleep 1; exit 143; fi; exec \"$0\" \"$@\"",
                                 std::string(LINFORMER_PROGRAMS_DIR) + "/linformer-train",
                                 "--config", config(), "--set", "run.dir=" + file("alone")});
  EXPECT_EQ(result.exit_code, 143) << result.err;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(40));
}

TEST_F(DistributedTest, NothingListensWhereOtherMachinesReachIt) {
  std::set<std::string> seen;
  const ProgramOptions options{.meanwhile = [&](pid_t) {
    for (const int rank : {0, 1}) {
      if (!fs::exists(pid_file("local", rank))) continue;
      const std::string process = read_text_file(pid_file("local", rank));
      if (!process.empty()) seen.merge(listening_addresses(std::stoi(process)));
    }
  }};
  const std::vector<std::string> settings{"training.max_steps=20"};
  const auto result = launch(2, "local", settings, options);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(seen, std::set<std::string>{"0100007F"});  // 127.0.0.1, the bytes in reverse
  // Also where the launcher names the machine, as torchrun does.
  seen.clear();
  const auto named = run_child(
      {"linformer-launch", "--nproc-per-node", "2", "--", "sh", "-c",
       "echo $$ > $1.pid$RANK; shift; MASTER_ADDR=$(hostname) exec \"$@\"", "sh", file("local"),
       std::string(LINFORMER_PROGRAMS_DIR) + "/linformer-train", "--config", config(), "--set",
       "run.dir=" + file("named"), "training.max_steps=20"},
      options);
  ASSERT_EQ(named.exit_code, 0) << named.err;
  EXPECT_EQ(seen, std::set<std::string>{"0100007F"});
}

TEST_F(DistributedTest, OnlyTheFirstSpeaksAndWrites) {
  const auto result = launch(2, "run", {"training.max_steps=20", "evaluation.every=10"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("2 processes"), Not(HasSubstr("[rank 1]"))));
  EXPECT_THAT(result.out, HasSubstr("model folder: "));
  const std::string log = read_text_file(file("run") + "/log.jsonl");
  size_t lines = 0;
  for (size_t at = 0; (at = log.find("\"valid_loss\"", at)) != std::string::npos; ++at) ++lines;
  EXPECT_EQ(lines, 2u);  // at steps 10 and 20, once each
}

TEST_F(DistributedTest, RefusesWhatDoesNotDivide) {
  const auto result = launch(4, "refused");  // 4 sequences in micro-batches of 2 for 4 processes
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("training.global_batch_size: 4 sequences"),
                                HasSubstr("a multiple of 8")));
}

TEST_F(DistributedTest, RefusesHalfAnEnvironment) {
  ::setenv("RANK", "1", 1);
  const auto result = train("half");
  ::unsetenv("RANK");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("environment variable WORLD_SIZE: is not set, but RANK is"));
}

TEST_F(DistributedTest, BenchReduceMeasuresAllTogether) {
  const auto result = run_child({"linformer-launch", "--nproc-per-node", "2", "--",
                                 "linformer-bench", "reduce", "--megabytes", "0.5", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"processes\": 2"), HasSubstr("\"bytes\": 500000")));
}

}  // namespace
}  // namespace linformer
