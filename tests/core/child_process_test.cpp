#include "linformer/core/child_process.h"

#include <csignal>

#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

TEST(ChildProcess, GivesItsExitCodeAndOutput) {
  const TemporaryFolder folder;
  ChildProcess child({"/bin/sh", "-c", "echo out; echo err >&2; exit 7"}, folder.file("log"));
  EXPECT_EQ(child.wait(), 7);
  EXPECT_EQ(child.poll(), 7);
  EXPECT_EQ(child.killing_signal(), 0);
  EXPECT_EQ(read_text_file(folder.file("log")), "out\nerr\n");
}

TEST(ChildProcess, TakesSignalsAndIsKilledWithItsObject) {
  const TemporaryFolder folder;
  ChildProcess child({"/bin/sleep", "60"}, folder.file("log"));
  EXPECT_EQ(child.poll(), std::nullopt);
  child.send(SIGKILL);
  EXPECT_EQ(child.wait(), 128 + SIGKILL);
  EXPECT_EQ(child.killing_signal(), SIGKILL);
  pid_t pid = 0;
  {
    const ChildProcess forgotten({"/bin/sleep", "60"}, folder.file("log"));
    pid = forgotten.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(ChildProcess, AProgramThatIsNotThereIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THROW(ChildProcess({"/no/such/program"}, folder.file("log")), RunError);
  EXPECT_NE(this_program().find("test_core"), std::string::npos);
}

}  // namespace
}  // namespace linformer
