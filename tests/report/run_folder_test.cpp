#include "linformer/report/run_folder.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/run_fixture.h"

#include "linformer/core/error.h"
#include "linformer/core/file_lock.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string append(const std::string& path, const std::string& text) {
  return write_bytes(path, read_bytes(path) + text);
}

TEST(RunFolder, HasWhatLogConfigurationAndCheckpointSay) {
  const TemporaryFolder folder;
  const RunFolder run = read_run_folder(write_run(folder.file("a")));
  EXPECT_EQ(run.kind, RunKind::kPretraining);
  EXPECT_EQ(name_of(run.status), "finished");
  EXPECT_EQ(run.reason, "");
  EXPECT_EQ(run.step, 100);
  EXPECT_EQ(run.total_steps, 100);
  EXPECT_EQ(run.tokens, 100000);
  EXPECT_EQ(run.seconds, 100.5);
  EXPECT_DOUBLE_EQ(run.loss.value(), 6.0 - 0.955);
  EXPECT_EQ(run.best->name, "valid_perplexity");
  EXPECT_DOUBLE_EQ(run.best->value, std::exp(5.5));
  EXPECT_EQ(run.best->step, 100);
  EXPECT_EQ(run.device, "cpu");
  EXPECT_EQ(run.precision, "fp32");
  EXPECT_EQ(run.setting("model.hidden_size"), "128");
  EXPECT_EQ(run.setting("model.none"), "");
  EXPECT_EQ(run.training.size(), 10u);
  EXPECT_EQ(run.evaluations.size(), 2u);
  EXPECT_EQ(run.checkpoint->settings.at("run.seed"), "1");
  EXPECT_EQ(run.checkpoint->train_data, "0000000000000011");  // 17
}

struct StateCase {
  std::string name, end;
  int64_t steps;
  std::string status, reason;
};

TEST(RunFolder, TellsTheStateFromLockAndJournal) {
  const TemporaryFolder folder;
  const std::vector<StateCase> cases{
      {"finished", "finished", 100, "finished", ""},
      {"early", "stopped early", 60, "finished", "stopped early"},
      {"time", "time is up", 60, "finished", "time is up"},
      {"signal", "signal", 60, "stopped", "signal"},
      {"session", "session's end", 60, "stopped", "session's end"},
      {"killed", "", 60, "failed", "ended without a word after step 60"}};
  for (const StateCase& one : cases) {
    const std::string path = write_run(folder.file(one.name), {.steps = one.steps, .end = one.end});
    const RunFolder run = read_run_folder(path);
    EXPECT_EQ(name_of(run.status), one.status) << one.name;
    EXPECT_THAT(run.reason, HasSubstr(one.reason)) << one.name;
    const FileLock lock(path + "/lock");
    EXPECT_EQ(read_run_folder(path).status, RunStatus::kRunning) << one.name;
    EXPECT_EQ(name_of(read_run_folder(path, RunReader::kOwner).status), one.status) << one.name;
  }
  const std::string failed = write_run(folder.file("failed"), {.steps = 60, .end = ""});
  append(failed + "/journal.jsonl", "{\"event\":\"failed\",\"step\":60,\"text\":\"disk full\"}\n");
  EXPECT_EQ(read_run_folder(failed).status, RunStatus::kFailed);
  EXPECT_EQ(read_run_folder(failed).reason, "disk full");
}

TEST(RunFolder, ReadsRunsOfVersionsWithoutAJournal) {
  const TemporaryFolder folder;
  for (const int64_t steps : {60, 100}) {
    const std::string path = write_run(folder.file(std::to_string(steps)), {.steps = steps});
    fs::remove(path + "/journal.jsonl");
    const RunFolder run = read_run_folder(path);
    EXPECT_EQ(name_of(run.status), steps == 100 ? "finished" : "stopped");
    EXPECT_EQ(run.total_steps, 100);
    EXPECT_EQ(run.device, "auto");
  }
}

TEST(RunFolder, IsReadWhileItIsWritten) {
  const TemporaryFolder folder;
  const std::string path = write_run(folder.file("a"));
  append(path + "/log.jsonl", "{\"step\":110,\"loss\":1.");
  fs::remove_all(path + "/checkpoints/latest");
  const RunFolder run = read_run_folder(path);
  EXPECT_EQ(run.step, 100);
  EXPECT_FALSE(run.checkpoint.has_value());
}

TEST(RunFolder, ForgetsStepsThatWereRolledBack) {
  const TemporaryFolder folder;
  const std::string path = write_run(folder.file("a"));
  append(path + "/log.jsonl",
         "{\"event\":\"rolled_back\",\"step\":30,\"from_step\":100}\n"
         "{\"step\":40,\"loss\":9.0,\"learning_rate\":1.0}\n");
  const RunFolder run = read_run_folder(path);
  EXPECT_THAT(curve_of(run.training, "step", "loss").x, ElementsAre(10, 20, 30, 40));
  EXPECT_TRUE(run.evaluations.empty());
  EXPECT_EQ(run.incidents.size(), 1u);
}

TEST(RunFolder, KnowsTheDecidingMetricOfATask) {
  const TemporaryFolder folder;
  const std::string path = write_run(folder.file("a"));
  append(path + "/config.yaml", "task: {name: cola}\n");
  write_bytes(path + "/log.jsonl",
              "{\"step\":10,\"valid_loss\":0.5,\"valid_mcc\":0.25,\"valid_accuracy\":0.9}\n"
              "{\"step\":20,\"valid_loss\":0.4,\"valid_mcc\":0.5,\"valid_accuracy\":0.8}\n"
              "{\"step\":30,\"valid_loss\":0.3,\"valid_mcc\":null,\"valid_accuracy\":0.95}\n");
  RunFolder run = read_run_folder(path);
  EXPECT_EQ(run.kind, RunKind::kFinetuning);
  EXPECT_EQ(run.best->name, "valid_mcc");
  EXPECT_EQ(run.best->value, 0.5);
  EXPECT_EQ(run.best->step, 20);
  // Trained to the end, but its test sets are still to be measured.
  EXPECT_EQ(run.status, RunStatus::kStopped);
  EXPECT_THAT(run.reason, HasSubstr("not measured"));
  write_bytes(path + "/result.json", "{}");
  EXPECT_EQ(read_run_folder(path).status, RunStatus::kFinished);
}

TEST(FindRunFolders, FindsThemBelowAFolderAndNothingElse) {
  const TemporaryFolder folder;
  write_run(folder.file("b/x"));
  write_run(folder.file("a"));
  write_run(folder.file("a/inner"));  // of a run, such as the runs that --verify-resume makes
  make_directories(folder.file("c/checkpoints"));  // no config.yaml
  write_bytes(folder.file("c/log.jsonl"), "");
  fs::create_directory_symlink(folder.file("a"), folder.file("link"));
  EXPECT_THAT(find_run_folders(folder.path()), ElementsAre(folder.file("a"), folder.file("b/x")));
  EXPECT_THAT(find_run_folders(folder.file("a")), ElementsAre(folder.file("a")));
  EXPECT_THROW(find_run_folders(folder.file("none")), UsageError);
  EXPECT_THROW(read_run_folder(folder.file("c")), UsageError);
}

}  // namespace
}  // namespace linformer
