// linformer-train --sweep: settings and seeds, from the command line to the table.
#include <algorithm>
#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/train_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TrainSweepTest : public TrainProgramTest {
 protected:
  ProgramResult sweep(const std::vector<std::string>& arguments,
                      const ProgramOptions& options = {}) const {
    std::vector<std::string> command{"linformer-train",
                                     "--config",
                                     config(),
                                     "--set",
                                     "training.max_steps=8",
                                     "evaluation.every=4",
                                     "evaluation.max_sequences=8",
                                     "run.threads=1"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_child(command, options);
  }
  std::vector<std::string> rates(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{
        "--sweep",  "training.learning_rate=1e-6,1e-2", "--seeds", "2", "--jobs", "2", "--output",
        file("out")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::string run(const std::string& rate, int seed) const {
    return file("out/learning_rate=" + rate + "/seed-" + std::to_string(seed));
  }
};

TEST_F(TrainSweepTest, SortsSettingsByTheHeldOutLoss) {
  const ProgramResult plan = sweep(rates({"--dry-run"}));
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr(run("1e-6", 1)), HasSubstr(run("1e-2", 2)),
                              HasSubstr("training.learning_rate=1e-6"), HasSubstr("new\n"),
                              HasSubstr("4 runs, 2 at a time")));
  EXPECT_FALSE(fs::exists(file("out")));

  const ProgramResult result = sweep(rates());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("4/4 "), HasSubstr("held-out loss ")));
  // A rate of 1e-6 learns nothing in 8 steps, so the other is the first.
  EXPECT_LT(result.out.find("learning_rate=1e-2"), result.out.find("learning_rate=1e-6"));
  EXPECT_THAT(result.out, AllOf(HasSubstr("setting "), Not(HasSubstr("|---|"))));
  EXPECT_THAT(read_text_file(file("out/results.md")), HasSubstr("| learning_rate=1e-2 | 2 | "));
  const json table = json::parse(read_text_file(file("out/results.json")));
  ASSERT_EQ(table["settings"].size(), 2u);
  const json& best = table["settings"][0];
  EXPECT_EQ(best["setting"], "learning_rate=1e-2");
  EXPECT_EQ(best["seeds"], json::array({1, 2}));
  EXPECT_LT(best["valid_loss"].get<double>(), table["settings"][1]["valid_loss"].get<double>());
  // Only the best model is left.
  int64_t models = 0;
  for (const char* rate : {"1e-6", "1e-2"}) {
    for (const int seed : {1, 2}) models += fs::exists(run(rate, seed) + "/checkpoints") ? 1 : 0;
  }
  EXPECT_EQ(models, 1);
  EXPECT_TRUE(fs::exists(best["best_run"].get<std::string>() + "/checkpoints"));

  // Finished runs are not repeated.
  const auto written = fs::last_write_time(run("1e-6", 1) + "/log.jsonl");
  const ProgramResult again = sweep(rates({"--markdown"}));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("4 of 4 runs are done already"));
  EXPECT_THAT(again.out, HasSubstr("| setting | seeds | held-out loss | sd | perplexity |"));
  EXPECT_EQ(fs::last_write_time(run("1e-6", 1) + "/log.jsonl"), written);
  EXPECT_THAT(sweep(rates({"--dry-run"})).out,
              AllOf(HasSubstr("finished"), Not(HasSubstr("new\n"))));
  EXPECT_EQ(json::parse(sweep(rates({"--report", "--json"})).out), table);
  std::vector<std::string> more = rates({"--report"});
  *(std::find(more.begin(), more.end(), "--seeds") + 1) = "3";
  EXPECT_THAT(sweep(more).err, HasSubstr("seed-3 is not finished, and not in the table"));
  // Other settings in the same place are not mixed in.
  const ProgramResult other = sweep(rates({"--set", "training.optimizer.weight_decay=0.5"}));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err,
              AllOf(HasSubstr("is done with other settings: training.optimizer.weight_decay"),
                    HasSubstr("choose another --output")));
}

TEST_F(TrainSweepTest, ContinuesAfterAStop) {
  const std::vector<std::string> slow{"--seeds",
                                      "2",
                                      "--output",
                                      file("out"),
                                      "--set",
                                      "training.max_steps=150",
                                      "checkpoint.every=5",
                                      "logging.every=5"};
  bool sent = false;
  const auto stop = [&](pid_t process) {
    if (sent || !fs::exists(file("out/seed-1/checkpoints/latest"))) return;
    ::kill(process, SIGTERM);
    sent = true;
  };
  const ProgramResult stopped = sweep(slow, {.meanwhile = stop});
  EXPECT_EQ(stopped.exit_code, 128 + SIGTERM) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("stopped; saved: 1, done: 0"));
  std::vector<std::string> shorter = slow;
  const ProgramResult resumed = sweep(shorter);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("as configured"));
  EXPECT_THAT(read_text_file(file("out/seed-1/run.log")), HasSubstr("resumed from "));
}

TEST_F(TrainSweepTest, NamesWhatIsWrong) {
  const auto error = [&](const std::vector<std::string>& arguments, int exit_code) {
    const ProgramResult result = sweep(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    return result.err;
  };
  const std::string out = file("out");
  EXPECT_THAT(error({"--sweep", "max_steps=1,2", "--output", out}, 2),
              AllOf(HasSubstr("--sweep: 'max_steps' is not a key"),
                    HasSubstr("batch, learning_rate, or a whole key")));
  EXPECT_THAT(error({"--sweep", "projected_length=16,65", "--output", out}, 2),
              HasSubstr("projected_length"));  // one of them is none, so none begins
  EXPECT_THAT(error({"--sweep", "learning_rate=1e-3,0.001", "--output", out}, 2),
              HasSubstr("learning_rate=1e-3 and learning_rate=0.001 are the same run"));
  EXPECT_THAT(error({"--sweep", "batch=8,8", "--output", out}, 2),
              HasSubstr("global_batch_size=8 is named twice"));
  EXPECT_THAT(error({"--sweep", "run.seed=1,2", "--output", out}, 2),
              HasSubstr("run.seed is set for each run"));
  EXPECT_THAT(
      error({"--sweep", "learning_rate=1e-3", "training.learning_rate=2e-3", "--output", out}, 2),
      HasSubstr("names training.learning_rate twice"));
  EXPECT_THAT(error({"--seeds", "2", "--output", out, "--expect", "none"}, 2),
              HasSubstr("--expect: compares a single run"));
  EXPECT_THAT(error({"--seeds", "2", "--output", out, "--devices", "64"}, 2),
              HasSubstr("--devices: 64, and LibTorch finds"));
  // Data are opened before anything is listed or begun.
  for (const char* dry : {"--quiet", "--dry-run"}) {
    EXPECT_THAT(
        error({"--seeds", "2", "--output", out, dry, "--set", "data.train=[" + file("no") + "]"},
              2),
        HasSubstr(file("no")));
  }
  EXPECT_FALSE(fs::exists(out));
  EXPECT_THAT(error({"--seeds", "2"}, 2), HasSubstr("run.dir: is not set"));
  EXPECT_THAT(error({"--seeds", "2", "--output", out, "--set", "data.valid=[]"}, 2),
              HasSubstr("compared by the held-out loss"));
  EXPECT_THAT(error({"--seeds", "2", "--report", "--output", out}, 2),
              HasSubstr("holds no finished run of this sweep"));
  // A run that fails is named, and the others go on.
  EXPECT_THAT(error({"--sweep", "learning_rate=1e-3,1e30", "--output", out}, 1),
              AllOf(HasSubstr("1 run failed"), HasSubstr("learning_rate=1e30/seed-1: ")));
  EXPECT_TRUE(fs::exists(out + "/results.md"));
}

TEST_F(TrainSweepTest, ValuesMayBeLists) {
  const ProgramResult plan = sweep({"--sweep", "training.optimizer.betas=[0.9,0.98],[0.9,0.99]",
                                    "--output", file("out"), "--dry-run"});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr("betas=[0.9,0.99]"), HasSubstr("2 runs")));
}

TEST_F(TrainSweepTest, OutputIsTheRunFolderOfASingleRun) {
  const ProgramResult result = run_child({"linformer-train", "--config", config(), "--output",
                                          file("single"), "--set", "training.max_steps=2"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(fs::exists(file("single/checkpoints/latest")));
  const ProgramResult other =
      run_child({"linformer-train", "--config", config(), "--output", file("single"), "--set",
                 "training.max_steps=4", "hidden_size=32"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("choose another --output"));
  const ProgramResult many = run_child({"linformer-train", "--config", config(), "--seeds", "2",
                                        "--dry-run", "--output", file("single")});
  EXPECT_EQ(many.exit_code, 2);
  EXPECT_THAT(many.err, HasSubstr("single is the folder of a single run"));
  const ProgramResult by_key = train("single", {"training.max_steps=4", "model.hidden_size=32"});
  EXPECT_THAT(by_key.err, HasSubstr("choose another run.dir"));
}

}  // namespace
}  // namespace linformer
