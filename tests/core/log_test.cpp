#include "linformer/core/log.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/recent_warnings.h"

namespace linformer {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Log, GoesToStandardErrorWithItsLevel) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  log_info("hello {} %s");
  log_warning("careful");
  log_debug("hidden");
  set_log_level(LogLevel::kError);
  log_warning("quiet");
  log_error("broken");
  set_log_level(LogLevel::kDebug);
  log_debug("shown");
  set_log_level(LogLevel::kInfo);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, testing::ContainsRegex("\\[..:..:..\\] info: hello \\{\\} %s\n"));
  EXPECT_THAT(text, HasSubstr("warning: careful\n"));
  EXPECT_THAT(text, HasSubstr("error: broken\n"));
  EXPECT_THAT(text, HasSubstr("debug: shown\n"));
  EXPECT_THAT(text, Not(HasSubstr("hidden")));
  EXPECT_THAT(text, Not(HasSubstr("quiet")));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST(Log, RemembersTheLastWarningsUntilTheyAreTaken) {
  set_log_level(LogLevel::kOff);  // hidden ones too
  take_recent_warnings();
  log_info("no warning");
  log_warning("one");
  log_error("no warning either");
  log_warning("two");
  EXPECT_THAT(take_recent_warnings(), testing::ElementsAre("one", "two"));
  EXPECT_THAT(take_recent_warnings(), testing::IsEmpty());
  for (int i = 0; i < 250; ++i) log_warning(std::to_string(i));
  set_log_level(LogLevel::kInfo);
  const std::vector<std::string> last = take_recent_warnings();
  ASSERT_EQ(last.size(), 200u);
  EXPECT_EQ(last.front(), "50");
  EXPECT_EQ(last.back(), "249");
}

TEST(Log, CopiesWholeLinesOfAllThreadsToAFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("run.log");
  write_file_atomically(path, "earlier\n");
  set_log_level(LogLevel::kOff);
  add_log_file(path);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 50; ++i) log_info("thread " + std::to_string(t));
    });
  }
  for (std::thread& thread : threads) thread.join();
  set_log_level(LogLevel::kInfo);
  const std::string text = read_text_file(path);
  EXPECT_EQ(text.substr(0, 8), "earlier\n");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 201);
  EXPECT_THAT(text, HasSubstr("info: thread 3\n"));
}

TEST(Log, NamesAFileThatCannotBeOpened) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<RunError>([&] { add_log_file(folder.file("none/run.log")); }),
              HasSubstr("none/run.log: cannot open the log file"));
}

}  // namespace
}  // namespace linformer
