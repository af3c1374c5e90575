#include "linformer/core/mapped_file.h"

#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.data()), file.size()};
}

TEST(MappedFile, ShowsTheBytesAndMoves) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("a"), "first");
  write_file_atomically(folder.file("b"), "second!");
  MappedFile a(folder.file("a"));
  EXPECT_EQ(text_of(a), "first");
  EXPECT_EQ(a.bytes().size(), 5u);
  MappedFile moved(std::move(a));
  EXPECT_EQ(text_of(moved), "first");
  moved = MappedFile(folder.file("b"));
  EXPECT_EQ(text_of(moved), "second!");
  EXPECT_EQ(moved.path(), folder.file("b"));
}

TEST(MappedFile, KeepsShowingAFileThatWasReplaced) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("a"), "before");
  const MappedFile file(folder.file("a"));
  write_file_atomically(folder.file("a"), "after.");
  EXPECT_EQ(text_of(file), "before");
}

TEST(MappedFile, AnEmptyFileIsEmpty) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("a"), "");
  EXPECT_EQ(MappedFile(folder.file("a")).size(), 0u);
}

/// Reads every byte; whether any of them is lost shows in check() alone.
int64_t sum_of(const MappedFile& file) {
  int64_t sum = 0;
  for (const std::byte value : file.bytes()) sum += static_cast<int64_t>(value);
  return sum;
}

TEST(MappedFile, BytesThatAreCutOffAreAnErrorAndNoSignal) {
  // In the first page, at its end, within the last one: where the system sends a signal and where
  // it silently gives zeros.
  for (const size_t left : {size_t{0}, size_t{100}, size_t{4096}, size_t{9000}, size_t{12000}}) {
    const TemporaryFolder folder;
    write_file_atomically(folder.file("a"), std::string(12001, 'x'));
    write_file_atomically(folder.file("whole"), std::string(12001, 'x'));
    const MappedFile file(folder.file("a"));
    const MappedFile whole(folder.file("whole"));
    EXPECT_EQ(sum_of(file), 12001 * 'x');
    file.check();
    std::filesystem::resize_file(folder.file("a"), left);
    EXPECT_LT(sum_of(file), 12001 * 'x');
    EXPECT_THAT(message_of<LostBytesError>([&] { file.check(); }),
                AllOf(HasSubstr(folder.file("a")), HasSubstr("lost bytes"), HasSubstr("fix: ")));
    // Others are whole.
    EXPECT_EQ(sum_of(whole), 12001 * 'x');
    whole.check();
    // A new mapping in its place begins anew.
    write_file_atomically(folder.file("a"), std::string(12001, 'x'));
    const MappedFile again(folder.file("a"));
    EXPECT_EQ(sum_of(again), 12001 * 'x');
    again.check();
  }
}

TEST(MappedFile, AFileThatIsRemovedOrReplacedIsStillWhole) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("a"), std::string(9000, 'x'));
  const MappedFile file(folder.file("a"));
  std::filesystem::remove(folder.file("a"));
  file.check();
  write_file_atomically(folder.file("a"), "short");
  file.check();
  EXPECT_EQ(sum_of(file), 9000 * 'x');
}

TEST(MappedFile, AFaultElsewhereStillEndsTheProcess) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("a"), std::string(9000, 'x'));
  const MappedFile file(folder.file("a"));
  const pid_t child = ::fork();
  if (child == 0) {
    ::raise(SIGBUS);
    ::raise(SIGBUS);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& name) {
    return message_of<RunError>([&] { MappedFile file(folder.file(name)); });
  };
  EXPECT_THAT(message("none"), HasSubstr("No such file"));
  EXPECT_THAT(message(""), HasSubstr("this is a folder"));
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  EXPECT_THAT(message("pipe"), HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace linformer
