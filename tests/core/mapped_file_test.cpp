#include "linformer/core/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

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
