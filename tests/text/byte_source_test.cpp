#include "linformer/text/byte_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

std::string read_all(const std::string& path, size_t piece = 1000) {
  const auto source = open_byte_source(path);
  std::string content;
  std::string buffer(piece, '\0');
  while (const size_t count = source->read(buffer.data(), buffer.size())) {
    content.append(buffer, 0, count);
  }
  return content;
}

TEST(ByteSource, ReadsPlainZstdAndGzipAlike) {
  const TemporaryFolder folder;
  const std::string& text = sample_text();
  write_file(folder.file("a.txt"), text);
  write_file(folder.file("a.txt.zst"), zstd_of(text));
  write_file(folder.file("a.txt.gz"), gzip_of(text));
  for (const char* name : {"a.txt", "a.txt.zst", "a.txt.gz"}) {
    EXPECT_TRUE(read_all(folder.file(name)) == text) << name;
    EXPECT_TRUE(read_all(folder.file(name), 1 << 20) == text) << name;
  }
}

TEST(ByteSource, ReadsSeveralFramesAndMembers) {
  const TemporaryFolder folder;
  write_file(folder.file("two.zst"), zstd_of("one ") + zstd_of("two"));
  write_file(folder.file("two.gz"), gzip_of("one ") + gzip_of("two"));
  EXPECT_EQ(read_all(folder.file("two.zst")), "one two");
  EXPECT_EQ(read_all(folder.file("two.gz")), "one two");
}

// What `gzip -dc` gives, to the byte.
TEST(ByteSource, ReadsWhatGzipReads) {
  const TemporaryFolder folder;
  const std::string zeros(300'000, '\0');  // more than a buffer
  const std::vector<std::pair<std::string, std::string>> cases{
      {gzip_of("one") + zeros, "one"},
      {gzip_of("one") + std::string(1, '\0'), "one"},
      {gzip_of("one ") + zeros + gzip_of("two"), "one two"},
      {gzip_of("one ") + gzip_of("") + gzip_of("two"), "one two"},
      {gzip_of(""), ""},
      {gzip_of("one") + "rubbish", "one"},
      {gzip_of("one") + zeros + "\x1F", "one"}};
  for (const auto& [stored, expected] : cases) {
    write_file(folder.file("a.gz"), stored);
    EXPECT_EQ(read_all(folder.file("a.gz")), expected);
    EXPECT_EQ(read_all(folder.file("a.gz"), 1), expected);
  }
  // A second member that is cut short is no rubbish.
  const std::string second = gzip_of("two");
  write_file(folder.file("a.gz"), gzip_of("one") + second.substr(0, second.size() - 1));
  EXPECT_THAT(message_of<RunError>([&] { read_all(folder.file("a.gz")); }),
              HasSubstr("the file is cut short"));
}

TEST(ByteSource, SystemFilesAreNoInput) {
  for (const char* name : {"data/.DS_Store", "._a.txt", "x/Thumbs.db", "desktop.ini", "Desktop.ini",
                           "a/__MACOSX/b.txt", ".directory", "Icon\r"}) {
    EXPECT_TRUE(is_system_file(name)) << name;
  }
  for (const char* name : {"-", "a.txt", "_a.txt", ".hidden", "x/desktop.ini.txt", "thumbs", "."}) {
    EXPECT_FALSE(is_system_file(name)) << name;
  }
  using Paths = std::vector<std::string>;
  EXPECT_EQ(without_system_files({"a", "x/.DS_Store", "b"}), (Paths{"a", "b"}));
  EXPECT_TRUE(without_system_files({}).empty());
  EXPECT_THAT(message_of<RunError>([] { without_system_files({"x/.DS_Store"}); }),
              HasSubstr("x/.DS_Store: this file belongs to an operating system"));
}

TEST(ByteSource, RecognisesContentNotNames) {
  const TemporaryFolder folder;
  write_file(folder.file("hidden.txt"), zstd_of("inside"));
  EXPECT_EQ(read_all(folder.file("hidden.txt")), "inside");
  write_file(folder.file("plain.zst"), "plain text");
  EXPECT_THAT(message_of<RunError>([&] { open_byte_source(folder.file("plain.zst")); }),
              HasSubstr("ends in .zst but the content is not that"));
  write_file(folder.file("PLAIN.GZ"), "plain text");
  EXPECT_THAT(message_of<RunError>([&] { open_byte_source(folder.file("PLAIN.GZ")); }),
              HasSubstr("ends in .gz but the content is not that"));
}

TEST(ByteSource, RefusesCutAndDamagedStreams) {
  const TemporaryFolder folder;
  const std::string zstd = zstd_of(sample_text());
  const std::string gzip = gzip_of(sample_text());
  write_file(folder.file("cut.zst"), zstd.substr(0, zstd.size() / 2));
  write_file(folder.file("cut.gz"), gzip.substr(0, gzip.size() - 3));
  EXPECT_THAT(message_of<RunError>([&] { read_all(folder.file("cut.zst")); }),
              HasSubstr("cut.zst: the file is cut short"));
  EXPECT_THAT(message_of<RunError>([&] { read_all(folder.file("cut.gz")); }),
              HasSubstr("cut.gz: the file is cut short"));
  std::string damaged = gzip;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x10);
  write_file(folder.file("damaged.gz"), damaged);
  EXPECT_THAT(message_of<RunError>([&] { read_all(folder.file("damaged.gz")); }),
              HasSubstr("the gzip stream is damaged"));
}

TEST(ByteSource, WholeInputsLoseTheirByteOrderMark) {
  const TemporaryFolder folder;
  const std::string mark = "\xEF\xBB\xBF";
  const std::string text = sample_text();
  for (const std::string& stored : {text, mark + text, gzip_of(text), zstd_of(mark + text)}) {
    write_file(folder.file("a"), stored);
    EXPECT_TRUE(read_input(folder.file("a")) == text);
  }
}

TEST(ByteSource, CountsStoredBytes) {
  const TemporaryFolder folder;
  const std::string zstd = zstd_of(sample_text());
  write_file(folder.file("a.zst"), zstd);
  const auto source = open_byte_source(folder.file("a.zst"));
  std::string buffer(1 << 16, '\0');
  while (source->read(buffer.data(), buffer.size()) > 0) {
  }
  EXPECT_EQ(source->consumed_bytes(), zstd.size());
}

TEST(CheckInput, RefusesWhatCannotBeRead) {
  const TemporaryFolder folder;
  write_file(folder.file("empty.txt"), "");
  write_file(folder.file("five.txt"), "12345");
  EXPECT_EQ(check_input(folder.file("five.txt")), 5u);
  EXPECT_EQ(check_input("-"), 0u);
  EXPECT_THAT(message_of<RunError>([&] { check_input(folder.file("empty.txt")); }),
              HasSubstr("the file is empty"));
  EXPECT_THAT(message_of<UsageError>([&] { check_input(folder.file("none.txt")); }),
              HasSubstr("none.txt: cannot open for reading"));
  EXPECT_THAT(message_of<UsageError>([&] { check_input(folder.path()); }),
              HasSubstr("is a folder, not a file"));
}

}  // namespace
}  // namespace linformer
