#include "linformer/text/line_stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text/fixtures.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> all_lines(LineStream stream) {
  std::vector<std::string> lines;
  while (const std::optional<InputLine> line = stream.next()) {
    lines.push_back(stream.input().substr(stream.input().rfind('/') + 1) + ":" +
                    std::to_string(line->number) + "=" +
                    (line->too_long ? "TOO LONG" : line->text));
  }
  return lines;
}

/// A named pipe that this process writes to.
class Pipe {
 public:
  Pipe() : path_(folder_.file("pipe")) {
    if (::mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("mkfifo failed");
    descriptor_ = ::open(path_.c_str(), O_RDWR);
  }
  ~Pipe() { close(); }
  const std::string& path() const { return path_; }
  void write(const std::string& bytes) const {
    ASSERT_EQ(::write(descriptor_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  TemporaryFolder folder_;
  std::string path_;
  int descriptor_ = -1;
};

TEST(LineStream, DropsTheByteOrderMarkOfEachInput) {
  const TemporaryFolder folder;
  const std::string mark = "\xEF\xBB\xBF";
  write_file(folder.file("a.txt"), mark + "one\n" + mark + "two\n");
  write_file(folder.file("b.txt"), mark + "\n");
  write_file(folder.file("c.txt"), mark);
  write_file(folder.file("d.gz"), gzip_of(mark + "four"));
  write_file(folder.file(".DS_Store"), std::string("\0\0\0\1Bud1", 8));
  EXPECT_THAT(
      all_lines(LineStream({folder.file("a.txt"), folder.file("b.txt"), folder.file(".DS_Store"),
                            folder.file("c.txt"), folder.file("d.gz")})),
      ElementsAre("a.txt:1=one", "a.txt:2=" + mark + "two", "b.txt:1=", "c.txt:1=", "d.gz:1=four"));
}

TEST(LineStream, GivesEveryLineOfEveryInputWithItsNumber) {
  const TemporaryFolder folder;
  write_file(folder.file("a.txt"), "one\r\n\n\xFF three\n");
  write_file(folder.file("b.txt"), "last without end");
  write_file(folder.file("c.gz"), gzip_of("\n\n"));
  EXPECT_THAT(
      all_lines(LineStream({folder.file("a.txt"), folder.file("b.txt"), folder.file("c.gz")})),
      ElementsAre("a.txt:1=one", "a.txt:2=", "a.txt:3=\xFF three", "b.txt:1=last without end",
                  "c.gz:1=", "c.gz:2="));
}

TEST(LineStream, EachInputHasLineEndsOfItsOwn) {
  const TemporaryFolder folder;
  write_file(folder.file("a.txt"), "one\rtwo\r\rfour");
  write_file(folder.file("b.txt"), "one\rmore\ntwo\n");
  write_file(folder.file("c.gz"), gzip_of("one\rtwo\rthree\r"));
  EXPECT_THAT(
      all_lines(LineStream({folder.file("a.txt"), folder.file("b.txt"), folder.file("c.gz")})),
      ElementsAre("a.txt:1=one", "a.txt:2=two", "a.txt:3=", "a.txt:4=four", "b.txt:1=one\rmore",
                  "b.txt:2=two", "c.gz:1=one", "c.gz:2=two", "c.gz:3=three"));
  // Lines of 0, 1, 2, ... bytes: they end anywhere in the pieces that are read.
  std::string text;
  for (size_t i = 0; i < 700; ++i) text += std::string(i, 'x') + "\r";
  write_file(folder.file("d.txt"), text);
  LineStream stream({folder.file("d.txt")}, 600);
  for (size_t i = 0; i < 700; ++i) {
    const auto line = stream.next();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->number, i + 1);
    EXPECT_EQ(line->too_long, i > 600);
    EXPECT_EQ(line->text.size(), i > 600 ? 0 : i);
  }
  EXPECT_FALSE(stream.next());
}

TEST(LineStream, CountsTheBytesOfAllInputsThatWereRead) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("a"), "one\ntwo\n");
  write_file_atomically(folder.file("b"), "three");
  LineStream stream({folder.file("a"), folder.file("b")});
  EXPECT_EQ(stream.consumed_bytes(), 0u);
  stream.next();
  EXPECT_EQ(stream.consumed_bytes(), 8u);  // read in one piece
  while (stream.next()) continue;
  EXPECT_EQ(stream.consumed_bytes(), 13u);
}

TEST(LineStream, LongTextsAndSmallPieces) {
  const TemporaryFolder folder;
  // Lines of 0, 1, 2, ... bytes: they end anywhere in the pieces that are read.
  std::string text;
  for (size_t i = 0; i < 700; ++i) text += std::string(i, 'x') + "\n";
  write_file(folder.file("a.txt.zst"), zstd_of(text));
  LineStream stream({folder.file("a.txt.zst")});
  for (size_t i = 0; i < 700; ++i) {
    EXPECT_TRUE(stream.ready());
    const auto line = stream.next();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->number, i + 1);
    EXPECT_EQ(line->text.size(), i);
  }
  EXPECT_TRUE(stream.ready());
  EXPECT_FALSE(stream.next());
}

TEST(LineStream, PassesOverALineThatIsTooLong) {
  const TemporaryFolder folder;
  // Far longer than a piece of reading, and just a byte longer than the bound.
  write_file(folder.file("a.txt"), "short\n" + std::string(300'000, 'x') + "\nnext\n" +
                                       std::string(11, 'y') + "\n" + std::string(10, 'z') + "\n" +
                                       std::string(200'000, 'x'));
  EXPECT_THAT(all_lines(LineStream({folder.file("a.txt")}, 10)),
              ElementsAre("a.txt:1=short", "a.txt:2=TOO LONG", "a.txt:3=next", "a.txt:4=TOO LONG",
                          "a.txt:5=zzzzzzzzzz", "a.txt:6=TOO LONG"));
}

TEST(LineStream, SaysWhetherALineIsWaitingInAPipe) {
  Pipe pipe;
  LineStream stream({pipe.path()});
  EXPECT_FALSE(LineStream({pipe.path()}).ready());  // not opened yet: opening may wait
  pipe.write("h\nhalf a li");
  EXPECT_EQ(stream.next()->text, "h");
  EXPECT_FALSE(stream.ready());
  pipe.write("ne\nthird\n");
  EXPECT_TRUE(stream.ready());
  EXPECT_EQ(stream.next()->text, "half a line");
  EXPECT_TRUE(stream.ready());
  EXPECT_EQ(stream.next()->text, "third");
  EXPECT_FALSE(stream.ready());
  pipe.write("end");
  EXPECT_FALSE(stream.ready());
  pipe.close();
  EXPECT_TRUE(stream.ready());
  EXPECT_EQ(stream.next()->text, "end");
  EXPECT_FALSE(stream.next());
}

TEST(LineStream, AFirstByteThatMayBeginACompressedStreamDoesNotHoldBackALine) {
  // "(" begins zstd's magic number, "P" that of its skippable frames.
  for (const char* line : {"(", "P", "P*", ""}) {
    const Pipe pipe;
    LineStream stream({pipe.path()});
    pipe.write(std::string(line) + "\n");
    EXPECT_EQ(stream.next()->text, line);
  }
}

TEST(LineStream, DoesNotReadOnIntoAnInputThatMayWait) {
  const TemporaryFolder folder;
  const Pipe pipe;
  write_file(folder.file("a.txt"), "one\n");
  LineStream stream({folder.file("a.txt"), folder.file("a.txt"), pipe.path()});
  EXPECT_EQ(stream.next()->text, "one");
  EXPECT_TRUE(stream.ready());  // the second file
  EXPECT_EQ(stream.next()->text, "one");
  EXPECT_FALSE(stream.ready());
  pipe.write("two\n");
  EXPECT_EQ(stream.next()->text, "two");
}

TEST(LineStream, RefusesInputsBeforeReadingTheFirst) {
  const TemporaryFolder folder;
  write_file(folder.file("a.txt"), "one\n");
  write_file(folder.file("empty.txt"), "");
  EXPECT_THAT(message_of<UsageError>([&] {
                LineStream({folder.file("a.txt"), folder.file("none.txt")});
              }),
              HasSubstr("none.txt"));
  EXPECT_THAT(message_of<RunError>([&] { LineStream({folder.file("empty.txt")}); }),
              HasSubstr("the file is empty"));
}

}  // namespace
}  // namespace linformer
