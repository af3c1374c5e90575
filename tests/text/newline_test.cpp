#include "linformer/text/newline.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

using ::testing::ElementsAre;

TEST(Newline, TheMoreFrequentOneCounts) {
  const std::vector<std::pair<std::string, Newline>> texts{
      {"", Newline::kLf},
      {"one line", Newline::kLf},
      {"a\nb\n", Newline::kLf},
      {"a\r\nb\r\n", Newline::kLf},
      {"a\r\r\nb\r\r\n", Newline::kLf},  // text that was made Windows' twice
      {"a\rb\r", Newline::kCr},
      {"a\r", Newline::kCr},
      {"a\r\rb", Newline::kCr},
      {"a\rb\nc\nd\n", Newline::kLf},  // a stray CR in the first line
      {"a\rb\n", Newline::kLf},        // as many: LF
      {"a\rb\rc\rd\n", Newline::kCr},  // another program added an LF
      {"a\r\nb\rc\r\nd", Newline::kLf},
  };
  for (const auto& [text, expected] : texts) EXPECT_EQ(newline_of(text), expected) << text;
}

TEST(Newline, WithinQuotationMarksOfCsvNoneCounts) {
  const std::string cells = "a\r\"b\nc\nd\"\re\r";
  EXPECT_EQ(newline_of(cells, Quoting::kCsv), Newline::kCr);
  EXPECT_EQ(newline_of("a\n\"b\r\"\"c\rd\"\ne\n", Quoting::kCsv), Newline::kLf);
  EXPECT_EQ(newline_of("a\n\"b\rc\rd\re\"\n", Quoting::kCsv), Newline::kLf);
  EXPECT_EQ(newline_of("a\n\"b\rc\rd\re\"\n"), Newline::kCr);
}

/// Lines of a text that comes in pieces of so many bytes.
std::vector<std::string> lines_of(const std::string& text, Newline newline, size_t piece) {
  std::vector<std::string> lines;
  std::string buffer;
  size_t read = 0;
  size_t searched = 0;
  bool at_end = false;
  while (true) {
    if (const auto line = line_at_front(buffer, newline, at_end, searched)) {
      lines.push_back(buffer.substr(0, line->length));
      buffer.erase(0, line->next);
      searched = 0;
    } else if (at_end) {
      return lines;
    } else {
      at_end = read >= text.size();
      if (!at_end) buffer += text.substr(read, piece);
      read += piece;
    }
  }
}

TEST(Newline, LinesAreTheSameInPiecesOfAnySize) {
  for (size_t piece = 1; piece < 8; ++piece) {
    EXPECT_THAT(lines_of("a\r\n\nb\rc\nd\r", Newline::kLf, piece),
                ElementsAre("a", "", "b\rc", "d"));
    EXPECT_THAT(lines_of("a\r\n\r\rb\rc\nd", Newline::kCr, piece),
                ElementsAre("a", "", "", "b", "c", "d"));
    EXPECT_THAT(lines_of("a\r", Newline::kCr, piece), ElementsAre("a"));
    EXPECT_THAT(lines_of("", Newline::kCr, piece), ElementsAre());
  }
}

}  // namespace
}  // namespace linformer
