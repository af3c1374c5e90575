#include "linformer/core/child_process.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>

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

TEST(ChildProcess, FindsProgramsInTheFoldersOfThePath) {
  const TemporaryFolder folder;
  const std::string path = std::getenv("PATH");
  for (const char* name : {"no-program", "no-folder", "a-program"}) {
    if (std::string(name) == "no-folder") {
      make_directories(folder.file(name));
    } else {
      write_file_atomically(folder.file(name), "#!/bin/sh\n");
    }
  }
  std::filesystem::permissions(folder.file("a-program"), std::filesystem::perms::owner_all);
  ::setenv("PATH", ("/nowhere:" + folder.path() + ":" + path).c_str(), 1);
  EXPECT_EQ(find_program("a-program"), folder.file("a-program"));
  EXPECT_EQ(find_program("no-folder"), "");
  EXPECT_EQ(find_program("no-program"), "") << "it is not executable";
  EXPECT_NE(find_program("sh"), "");
  ::setenv("PATH", "", 1);
  EXPECT_EQ(find_program("sh"), "");
  ::unsetenv("PATH");
  EXPECT_EQ(find_program("sh"), "");
  ::setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace linformer
