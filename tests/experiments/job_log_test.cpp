#include "experiments/job_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

TEST(JobLog, SaysHowFarARunIsFromItsLastProgressLine) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.log");
  EXPECT_EQ(progress_of_run(path), "starting");  // there is no file yet
  const std::string begin = "[12:00:00] info: encoder from a | b of c\n";
  const std::string step = "step 340/5,360 | loss 0.512 | lr 1.0e-05 | 900 tok/s | ETA 12m 04s\n";
  const std::string rows = "predicting test: 1,200 of 25,000 rows | 5 % | ETA 3m 10s\n";
  struct Case {
    std::string text, words;
  };
  for (const Case& one :
       {Case{begin, "starting"}, Case{begin + step, "step 340/5,360, ETA 12m 04s"},
        Case{begin + step + "[12:01:00] info: step 340: accuracy 0.5\n",
             "step 340/5,360, ETA 12m 04s"},
        Case{step + rows, "predicting test: 1,200 of 25,000 rows, ETA 3m 10s"},
        Case{"step 7 | loss 0.5", "step 7"}}) {
    write_bytes(path, one.text);
    EXPECT_EQ(progress_of_run(path), one.words) << one.text;
  }
}

TEST(JobLog, GivesTheErrorOfAFailedRun) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.log");
  EXPECT_THAT(failure_reason(path, 139), HasSubstr("exit code 139 (Segmentation fault)"));
  write_bytes(path, "step 1\nlinformer-train: error: disk: full\n  fix: free some\n");
  EXPECT_EQ(failure_reason(path, 1), "disk: full\n  fix: free some");
}

}  // namespace
}  // namespace linformer
