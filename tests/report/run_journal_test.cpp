#include "linformer/report/run_journal.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/core/log.h"
#include "linformer/core/recent_warnings.h"

namespace linformer {
namespace {

using testing::HasSubstr;

TEST(RunJournal, HasEventsAndWarningsWithTheirTimes) {
  const TemporaryFolder folder;
  set_log_level(LogLevel::kOff);
  take_recent_warnings();
  RunJournal journal(folder.path());
  EXPECT_FALSE(std::filesystem::exists(RunJournal::path_in(folder.path())));
  journal.write("started", {{"step", 3}, {"device", "cpu"}});
  log_warning("careful");
  journal.write_warnings(7);
  journal.write_warnings(8);  // said already
  set_log_level(LogLevel::kInfo);
  const std::vector<LogRecord> lines = read_json_lines(RunJournal::path_in(folder.path()));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(text_in(lines[0], "event"), "started");
  EXPECT_EQ(text_in(lines[0], "device"), "cpu");
  EXPECT_EQ(number_in(lines[0], "step"), 3.0);
  EXPECT_EQ(text_in(lines[1], "event"), "warning");
  EXPECT_EQ(text_in(lines[1], "text"), "careful");
  EXPECT_EQ(number_in(lines[1], "step"), 7.0);
  EXPECT_THAT(text_in(lines[1], "time").value(), testing::MatchesRegex("20..-..-..T..:..:..Z"));
}

TEST(RunJournal, ThatCannotBeWrittenCostsOneWarning) {
  const TemporaryFolder folder;
  set_log_level(LogLevel::kOff);
  take_recent_warnings();
  RunJournal journal(folder.file("none"));
  journal.write("started", {});
  journal.write("ended", {});
  set_log_level(LogLevel::kInfo);
  const auto warnings = take_recent_warnings();
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings.front(), HasSubstr(folder.file("none")));
}

}  // namespace
}  // namespace linformer
