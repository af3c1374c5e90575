#include "linformer/core/file_lock.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using testing::HasSubstr;

/// A child process that holds the lock until it is killed; returns after it has got it.
pid_t hold_in_child(const std::string& path) {
  int ready[2];
  if (::pipe(ready) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    const FileLock lock(path);
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char byte = 0;
  const bool got = ::read(ready[0], &byte, 1) == 1;
  ::close(ready[0]);
  ::close(ready[1]);
  return got ? child : -1;
}

TEST(FileLock, NamesTheProcessThatHoldsItAndIsFreeAfterItsDeath) {
  const TemporaryFolder folder;
  const std::string path = folder.file("lock");
  const pid_t child = hold_in_child(path);
  ASSERT_GT(child, 0);
  const auto message = message_of<RunError>([&] { FileLock lock(path); });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_THAT(message, HasSubstr(path + ": in use by process " + std::to_string(child)));
  EXPECT_NO_THROW(FileLock lock(path));
}

TEST(FileLock, ExcludesWithinOneProcessAndFreesAtTheEndOfItsScope) {
  const TemporaryFolder folder;
  {
    const FileLock lock(folder.file("lock"));
    EXPECT_THROW(FileLock second(folder.file("lock")), RunError);
  }
  EXPECT_NO_THROW(FileLock lock(folder.file("lock")));
}

TEST(FileLock, CanBeAskedAboutFromOutside) {
  const TemporaryFolder folder;
  const std::string path = folder.file("lock");
  EXPECT_EQ(is_file_locked(path), std::optional(false));
  EXPECT_FALSE(std::filesystem::exists(path));
  const pid_t child = hold_in_child(path);
  ASSERT_GT(child, 0);
  const std::string holder = read_text_file(path);
  EXPECT_EQ(is_file_locked(path), std::optional(true));
  EXPECT_EQ(read_text_file(path), holder);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(is_file_locked(path), std::optional(false));
}

TEST(FileLock, IsNotRefusedWhileOthersAsk) {
  const TemporaryFolder folder;
  const std::string path = folder.file("lock");
  { const FileLock lock(path); }
  std::atomic<bool> done{false};
  std::thread asker([&] {
    while (!done) is_file_locked(path);
  });
  for (int i = 0; i < 50; ++i) EXPECT_NO_THROW(FileLock lock(path));
  done = true;
  asker.join();
}

TEST(FileLock, NamesAMissingFolder) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<RunError>([&] { FileLock lock(folder.file("none/lock")); }),
              HasSubstr("No such file"));
}

}  // namespace
}  // namespace linformer
