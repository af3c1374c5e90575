// linformer-launch with shell programs: what it sets, passes on, and stops.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/child_process.h"
#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LaunchTest : public ::testing::Test {
 protected:
  /// Runs `script` as each process.
  ProgramResult launch(const std::string& script, const std::vector<std::string>& options,
                       const ProgramOptions& more = {}) const {
    std::vector<std::string> command{"linformer-launch"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {"--", "sh", "-c", script, "sh", folder_.path()});
    return run_child(command, more);
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  /// Sends a signal to the launcher as soon as all the files are there.
  ProgramOptions signal_when(std::vector<std::string> files, int signal_number) const {
    return {.meanwhile = [this, files, signal_number, sent = false](pid_t launcher) mutable {
      for (const std::string& name : files) {
        if (sent || !fs::exists(file(name))) return;
      }
      ::kill(launcher, signal_number);
      sent = true;
    }};
  }

  TemporaryFolder folder_;
};

TEST_F(LaunchTest, SetsTheVariablesAndMergesTheOutput) {
  const auto result = launch(
      "echo \"$RANK/$WORLD_SIZE $LOCAL_RANK/$LOCAL_WORLD_SIZE $MASTER_ADDR\" >&2;"
      "printf \"result of $RANK\"; echo $MASTER_PORT > $1/port$RANK",
      {"--nproc-per-node", "3"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* line : {"[rank 0] 0/3 0/3 127.0.0.1\n", "[rank 1] 1/3 1/3 127.0.0.1\n",
                           "[rank 2] 2/3 2/3 127.0.0.1\n", "[rank 1] result of 1\n"}) {
    EXPECT_THAT(result.err, HasSubstr(line));
  }
  EXPECT_EQ(result.out, "result of 0") << "results of rank 0 pass unchanged";
  EXPECT_EQ(read_text_file(file("port0")), read_text_file(file("port2")));
  EXPECT_GT(std::stoi(read_text_file(file("port0"))), 0);
}

TEST_F(LaunchTest, NumbersTheProcessesOfSeveralMachines) {
  const auto result = launch(
      "echo \"$RANK of $WORLD_SIZE at $MASTER_ADDR $MASTER_PORT\" >&2",
      {"--nproc-per-node", "2", "--nnodes", "3", "--node-rank", "1", "--rdzv", "node0:29500"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("[rank 2] 2 of 6 at node0 29500"),
                                HasSubstr("[rank 3] 3 of 6 at node0 29500")));
}

TEST_F(LaunchTest, OneFailureStopsAllAndIsNamed) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = launch("if [ $RANK = 1 ]; then echo broken >&2; exit 7; fi; exec sleep 100",
                             {"--nproc-per-node", "3"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(50));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(
      result.err,
      AllOf(HasSubstr("[rank 1] broken"), HasSubstr("linformer-launch: error: rank 1 (process "),
            HasSubstr("rank 1 (process "), HasSubstr("exit code 7"), HasSubstr("\n  fix: ")));
}

TEST_F(LaunchTest, AnErrorOfAllProcessesIsPrintedOnce) {
  const auto result = launch(
      "echo 'linformer-train: error: key: wrong' >&2; echo '  fix: this' >&2;"
      "echo 'linformer-train: error: rank '$RANK >&2; echo '  fix: that' >&2; echo same >&2",
      {"--nproc-per-node", "3"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (size_t at = result.err.find(text); at != std::string::npos;
         at = result.err.find(text, at + 1)) {
      ++found;
    }
    return found;
  };
  EXPECT_EQ(count("error: key: wrong\n"), 1) << result.err;
  EXPECT_EQ(count("  fix: this\n"), 1) << result.err;
  EXPECT_EQ(count("error: rank "), 3) << result.err;
  EXPECT_EQ(count("  fix: that\n"), 3) << result.err;
  EXPECT_EQ(count("] same\n"), 3) << "output that is no message of ours passes";
}

TEST_F(LaunchTest, AProcessKilledByASignalIsNamed) {
  const auto result =
      launch("if [ $RANK = 0 ]; then kill -KILL $$; fi; exec sleep 100", {"--nproc-per-node", "2"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("rank 0 (process "), HasSubstr("signal 9 (Killed)")));
}

TEST_F(LaunchTest, WhatDoesNotStopIsKilledInTime) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = launch(
      "if [ $RANK = 1 ]; then sleep 0.3; exit 3; fi;"
      "trap '' TERM; while true; do sleep 0.1; done",
      {"--nproc-per-node", "2", "--stop-seconds", "0.5"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("rank 0 (process "), HasSubstr("has not ended; it is "),
                                HasSubstr("exit code 3")));
}

TEST_F(LaunchTest, WrongUsageOfTheProgramIsWrongUsage) {
  EXPECT_EQ(launch("exit 2", {"--nproc-per-node", "2"}).exit_code, 2);
}

TEST_F(LaunchTest, PassesSignalsOn) {
  const std::string ready = " : > $1/ready$RANK; while true; do sleep 0.05; done";
  for (const auto& [number, name] :
       std::map<int, std::string>{{SIGTERM, "TERM"}, {SIGINT, "INT"}}) {
    fs::remove(file("ready0"));
    fs::remove(file("ready1"));
    const std::string code = std::to_string(128 + number);
    const auto result =
        launch("trap 'echo saving; exit " + code + "' " + name + ";" + ready,
               {"--nproc-per-node", "2"}, signal_when({"ready0", "ready1"}, number));
    EXPECT_EQ(result.exit_code, 128 + number) << result.err;
    EXPECT_EQ(result.out, "saving\n");
    EXPECT_THAT(result.err, AllOf(HasSubstr("[rank 1] saving"), Not(HasSubstr("error"))));
  }
  fs::remove(file("ready0"));
  fs::remove(file("ready1"));
  // SIGUSR1 is no end.
  const auto result = launch("trap 'echo asked; exit 0' USR1;" + ready, {"--nproc-per-node", "2"},
                             signal_when({"ready0", "ready1"}, SIGUSR1));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "asked\n");
}

TEST_F(LaunchTest, ProcessesThatStopByThemselvesGiveTheirCode) {
  // A scheduler may signal the processes and not the launcher.
  EXPECT_EQ(launch("exit 143", {"--nproc-per-node", "2"}).exit_code, 143);
}

TEST_F(LaunchTest, ProcessesDoNotOutliveTheLauncher) {
  const auto result = launch(
      "trap ': > $1/gone$RANK; exit 143' TERM; : > $1/ready$RANK;"
      "while true; do sleep 0.05; done",
      {"--nproc-per-node", "2"}, signal_when({"ready0", "ready1"}, SIGKILL));
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
  for (int i = 0; i < 1000 && !(fs::exists(file("gone0")) && fs::exists(file("gone1"))); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(fs::exists(file("gone0")));
  EXPECT_TRUE(fs::exists(file("gone1")));
}

TEST_F(LaunchTest, RefusesWrongCommandLines) {
  for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{
           {"--nproc-per-node", "0"},
           {"--nnodes", "2"},
           {"--nnodes", "2", "--node-rank", "2", "--rdzv", "node0:29500"},
           {"--rdzv", "node0"},
           {"--nproc", "2"}}) {
    const auto result = launch("exit 0", options);
    EXPECT_EQ(result.exit_code, 2) << options.front();
    EXPECT_THAT(result.err, HasSubstr("\n  fix: "));
  }
  EXPECT_EQ(run_child({"linformer-launch", "--nproc-per-node", "2"}).exit_code, 2);
  const auto missing = run_child({"linformer-launch", "--", "no-such-program"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, AllOf(HasSubstr("no-such-program: there is no such program to start"),
                                 HasSubstr("check the command after --")));
  EXPECT_EQ(run_child({"linformer-launch", "--version"}).exit_code, 0);
}

}  // namespace
}  // namespace linformer
