#include "linformer/core/atomic_file.h"

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using testing::HasSubstr;

size_t num_files(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                           std::filesystem::directory_iterator()));
}

TEST(AtomicFile, ReplacesTheOldFileOnlyOnCommit) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.txt");
  write_file_atomically(path, "old");
  {
    AtomicFile file(path);
    file.write("new");
    EXPECT_EQ(read_text_file(path), "old");
    file.commit();
    EXPECT_EQ(read_text_file(path), "new");
  }
  EXPECT_EQ(read_text_file(path), "new");
  EXPECT_EQ(num_files(folder.path()), 1u);
}

TEST(AtomicFile, LeavesNothingBehindWithoutCommit) {
  const TemporaryFolder folder;
  { AtomicFile(folder.file("a.txt")).write("half"); }
  EXPECT_EQ(num_files(folder.path()), 0u);
}

TEST(AtomicFile, KeepsOrderOfSmallAndLargeWrites) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.bin");
  const std::string large(3 << 20, 'x');  // larger than the buffer
  AtomicFile file(path);
  file.write("head");
  file.write(large);
  file.write("tail");
  file.write_at(0, "HE", 2);
  EXPECT_EQ(file.size(), large.size() + 8);
  file.commit();
  EXPECT_TRUE(read_text_file(path) == "HEad" + large + "tail");
}

TEST(AtomicFile, FollowsASymbolicLinkAndKeepsIt) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("store"));
  for (const bool there : {true, false}) {
    const std::string real = folder.file(there ? "store/real" : "store/new");
    const std::string link = folder.file(there ? "link" : "dangling");
    if (there) write_file_atomically(real, "old");
    std::filesystem::create_symlink(real, link);
    write_file_atomically(link, "new");
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(read_text_file(real), "new");
  }
}

TEST(AtomicFile, WritesIntoDevicesAndPipes) {
  const TemporaryFolder folder;
  const std::string pipe = folder.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = read_text_file(pipe); });
  write_file_atomically(pipe, "through");
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  // A link to the device, since a mistake of a test must not replace the machine's own.
  std::filesystem::create_symlink("/dev/full", folder.file("full"));
  EXPECT_THROW(write_file_atomically(folder.file("full"), "x"), RunError);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

TEST(AtomicFile, IsNotWrittenTwiceAtOnce) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  {
    AtomicFile first(path);
    first.write("first");
    EXPECT_THAT(message_of<RunError>([&] { AtomicFile second(path); }),
                ::testing::HasSubstr("twice"));
    first.commit();
  }
  write_file_atomically(path, "again");
  EXPECT_EQ(read_text_file(path), "again");
}

TEST(AtomicFile, RefusesToWritePastTheEnd) {
  const TemporaryFolder folder;
  AtomicFile file(folder.file("a.bin"));
  file.write("abc");
  EXPECT_THROW(file.write_at(2, "xy", 2), std::logic_error);
}

TEST(AtomicFile, NamesAFolderInTheWay) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("d"));
  const auto message = message_of<RunError>([&] { AtomicFile file(folder.file("d")); });
  EXPECT_THAT(message, HasSubstr(folder.file("d")));
  EXPECT_THAT(message, HasSubstr("this is a folder"));
  EXPECT_EQ(num_files(folder.path()), 1u);
}

TEST(AtomicFile, NamesAMissingFolder) {
  const TemporaryFolder folder;
  const auto message = message_of<RunError>([&] { AtomicFile file(folder.file("no/a")); });
  EXPECT_THAT(message, HasSubstr("no/a: cannot create the file: No such file or directory"));
}

/// Runs `check` in a child process, whose limits and signals may be changed; it returns success.
template <class Check>
void expect_in_child(Check&& check) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

TEST(AtomicFile, KeepsTheOldFileWhereTheNewOneMayNotGrow) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.bin");
  write_file_atomically(path, "old");
  expect_in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    const auto message =
        message_of<RunError>([&] { write_file_atomically(path, std::string(100000, 'x')); });
    return message.find("ulimit -f") != std::string::npos;
  });
  EXPECT_EQ(read_text_file(path), "old");
  EXPECT_EQ(num_files(folder.path()), 1u);
}

TEST(AtomicFile, KeepsTheOldFileOnAFullDisk) {
  const TemporaryFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=128k") != 0)
    GTEST_SKIP() << "a small file system needs the right to mount one";
  const std::string path = folder.file("a.bin");
  write_file_atomically(path, "old");
  const auto message =
      message_of<RunError>([&] { write_file_atomically(path, std::string(500000, 'x')); });
  EXPECT_THAT(message, HasSubstr(path + ": cannot write the file: No space left on device"));
  EXPECT_THAT(message, HasSubstr("fix: free space on that file system ("));
  EXPECT_EQ(read_text_file(path), "old");
  EXPECT_EQ(num_files(folder.path()), 1u);
  append_to_file(folder.file("log"), "one\n");
  EXPECT_THROW(append_to_file(folder.file("log"), std::string(500000, 'y')), RunError);
  EXPECT_EQ(read_text_file(folder.file("log")), "one\n") << "half a record stayed";
  EXPECT_LE(free_disk_bytes(folder.path()), 128u * 1024u);
  EXPECT_EQ(::umount(folder.path().c_str()), 0);
}

TEST(AppendToFile, AddsRecords) {
  const TemporaryFolder folder;
  append_to_file(folder.file("log"), "one\n");
  append_to_file(folder.file("log"), "two\n");
  EXPECT_EQ(read_text_file(folder.file("log")), "one\ntwo\n");
}

TEST(ReadTextFile, NamesWhatIsMissingOrAFolder) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<RunError>([&] { read_text_file(folder.file("none")); }),
              HasSubstr("No such file"));
  EXPECT_THAT(message_of<RunError>([&] { read_text_file(folder.path()); }),
              HasSubstr("this is a folder"));
}

TEST(MakeDirectories, MakesParentsAndNamesAFileInTheWay) {
  const TemporaryFolder folder;
  make_directories(folder.file("a/b/c"));
  make_directories(folder.file("a/b/c"));
  EXPECT_TRUE(std::filesystem::is_directory(folder.file("a/b/c")));
  sync_directory(folder.file("a/b"));
  write_file_atomically(folder.file("f"), "x");
  EXPECT_THAT(message_of<RunError>([&] { make_directories(folder.file("f/g")); }),
              HasSubstr("cannot create the folder"));
  EXPECT_THROW(sync_directory(folder.file("f")), RunError);
}

TEST(FreeDiskBytes, AsksTheNearestParentThatExists) {
  const TemporaryFolder folder;
  EXPECT_GT(free_disk_bytes(folder.file("not/yet/there")), 0u);
}

}  // namespace
}  // namespace linformer
