// Signals and closed outputs, as terminals, launchers and schedulers send them to the programs.
#include <chrono>
#include <csignal>
#include <thread>

#include "cli/train_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kEnd = "step-00000060";

/// Sends each signal once, some moments apart, as soon as `path` is there; to the process, or to
/// its whole group.
ProgramOptions signals_at(const std::string& path, std::vector<int> signals,
                          bool to_group = false) {
  ProgramOptions options;
  options.own_group = to_group;
  options.meanwhile = [=, sent = false](pid_t child) mutable {
    if (sent || !fs::exists(path)) return;
    sent = true;
    for (const int number : signals) {
      ::kill(to_group ? -child : child, number);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  };
  return options;
}

class SignalTest : public TrainProgramTest {
 protected:
  std::string first_checkpoint(const std::string& name) const {
    return file(name) + "/checkpoints/step-00000010/MANIFEST.json";
  }
  static std::vector<std::string> settings() { return {"run.threads=1", "logging.every=1"}; }
};

TEST_F(SignalTest, RepeatsAreOneSignalAndWhatIsSaidToBeSavedIs) {
  ASSERT_EQ(train("whole", settings()).exit_code, 0);
  const std::vector<std::vector<int>> cases{{SIGTERM, SIGTERM},
                                            {SIGINT, SIGTERM},
                                            {SIGTERM, SIGINT, SIGINT},
                                            {SIGHUP, SIGTERM},
                                            {SIGXCPU}};
  for (size_t i = 0; i < cases.size(); ++i) {
    const std::string name = "stopped" + std::to_string(i);
    const auto stopped = train(name, settings(), signals_at(first_checkpoint(name), cases[i]));
    EXPECT_EQ(stopped.exit_code, 128 + cases[i].front()) << stopped.err;
    EXPECT_THAT(stopped.err, HasSubstr("saved in " + file(name)));
    EXPECT_FALSE(fs::exists(file(name) + "/checkpoints/" + kEnd));
    const auto resumed = train(name, settings());
    ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
    const size_t after = stopped.err.find("after step ") + 11;
    const std::string step = stopped.err.substr(after, stopped.err.find(';', after) - after);
    EXPECT_THAT(resumed.err, HasSubstr("at step " + step));
    EXPECT_TRUE(bits_of(name, kEnd) == bits_of("whole", kEnd)) << name;
  }
}

TEST_F(SignalTest, AStopThatCannotBeSavedIsAnError) {
  const std::string name = "full";
  ProgramOptions options = signals_at(file(name) + "/log.jsonl", {SIGTERM});
  options.max_file_bytes = 20000;  // the log fits, a checkpoint does not
  const auto stopped = train(name,
                             {"checkpoint.every=0", "evaluation.every=0", "run.threads=1",
                              "training.max_steps=5000", "logging.every=1000"},
                             options);
  EXPECT_EQ(stopped.exit_code, 1) << stopped.err;
  EXPECT_THAT(stopped.err, AllOf(Not(HasSubstr("saved in")), HasSubstr("\n  fix: ")));
}

TEST_F(SignalTest, NobodyWhoReadsIsNoReasonToLoseARun) {
  const auto result = train("unread", settings(), {.closed_outputs = true});
  EXPECT_EQ(result.exit_code, 1) << "the result could not be told";
  EXPECT_TRUE(fs::exists(file("unread") + "/checkpoints/" + kEnd + "/MANIFEST.json"));
  // As with a terminal that is closed: nobody reads any more, and SIGHUP.
  ProgramOptions closed = signals_at(first_checkpoint("closed"), {SIGHUP});
  closed.closed_outputs = true;
  EXPECT_EQ(train("closed", settings(), closed).exit_code, 128 + SIGHUP);
  EXPECT_EQ(data({"inspect", file("closed")}).exit_code, 0);
  EXPECT_THAT(train("closed", settings()).err, HasSubstr("resumed from"));
}

TEST_F(SignalTest, ALimitOnFileSizesIsAnErrorWithItsReason) {
  // As `ulimit -f` does it: with the signal as it is by default.
  const auto result = run_child(
      {"linformer-launch", "--nproc-per-node", "1", "--", "sh", "-c",
       "ulimit -f 64; exec \"$0\" \"$@\"", std::string(LINFORMER_PROGRAMS_DIR) + "/linformer-train",
       "--config", config(), "--set", "run.dir=" + file("limited"), "run.threads=1"});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr(file("limited")), HasSubstr("ulimit -f")));
}

TEST_F(SignalTest, WhatHasNothingToSaveEndsAtOnce) {
  // Rank 1 of two that waits for rank 0.
  const auto start = std::chrono::steady_clock::now();
  ProgramOptions waiting;
  waiting.environment = {"RANK=1", "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1", "MASTER_PORT=9"};
  waiting.meanwhile = [start, sent = false](pid_t child) mutable {
    if (sent || std::chrono::steady_clock::now() - start < std::chrono::seconds(1)) return;
    ::kill(child, SIGTERM);
    sent = true;
  };
  EXPECT_EQ(train("waiting", {}, waiting).exit_code, 128 + SIGTERM);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST_F(SignalTest, LoopsThatPrintEndWhenNobodyReads) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = data({"why", "--data", file("train"), "--tokenizer", model(), "--step", "1",
                            "--global-batch-size", "10000000"},
                           {.closed_outputs = true});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

/// Two runs of a task at a time.
class SuiteSignalTest : public SignalTest {
 protected:
  void SetUp() override {
    SignalTest::SetUp();
    ASSERT_EQ(train("base", {"training.max_steps=2"}).exit_code, 0);
    fs::create_directories(file("glue/SST-2"));
    std::string rows = "sentence\tlabel\n";
    for (int i = 0; i < 40; ++i) {
      rows += std::string(i % 3 != 0 ? "a good river " : "a bad stone ") + std::to_string(i) +
              " \t" + (i % 3 != 0 ? "1" : "0") + "\n";
    }
    for (const char* split : {"train.tsv", "dev.tsv"}) {
      write_file_atomically(file("glue/SST-2/" + std::string(split)), rows);
    }
  }
  ProgramResult suite(const ProgramOptions& options) const {
    return run_child({"linformer-finetune", "--data", file("glue"), "--model", file("base"),
                      "--suite", "sst-2", "--seeds", "1", "--output", file("suite"), "--set",
                      "training.max_steps=100000", "evaluation.every=0", "checkpoint.every=10"},
                     options);
  }
  std::string run() const { return file("suite/sst-2/task/seed-1"); }
};

TEST_F(SuiteSignalTest, CtrlCReachesTheWholeGroupAndAllIsSaved) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    fs::remove_all(file("suite"));
    const auto stopped = suite(signals_at(run() + "/checkpoints/step-00000010/MANIFEST.json",
                                          {number}, /*to_group=*/true));
    EXPECT_EQ(stopped.exit_code, 128 + number) << stopped.err;
    EXPECT_THAT(stopped.err,
                AllOf(HasSubstr("saved: 1, done: 0, not saved: 0"), Not(HasSubstr("failed"))));
    EXPECT_THAT(read_text_file(run() + "/run.log"), HasSubstr("; saved in " + run()));
  }
}

TEST_F(SuiteSignalTest, WhatIsNotSavedIsNotSaidToBe) {
  // Whatever ends the run before it can save: its parent has to notice.
  ProgramOptions options;
  options.own_group = true;
  options.meanwhile = [&, sent = false](pid_t program) mutable {
    if (sent || !fs::exists(run() + "/run.log")) return;
    sent = true;
    ::kill(-program, SIGTERM);  // before it has begun to train
  };
  const auto stopped = suite(options);
  EXPECT_EQ(stopped.exit_code, 128 + SIGTERM) << stopped.err;
  EXPECT_THAT(stopped.err,
              AllOf(HasSubstr("saved: 0, done: 0, not saved: 1"),
                    HasSubstr(run() + " is not saved: it was stopped before its first save")));
}

}  // namespace
}  // namespace linformer
