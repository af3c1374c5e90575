#include "linformer/data/text_extraction.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "text/fixtures.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

TEST(TextOnOneLine, HasSingleBlanks) {
  EXPECT_EQ(text_on_one_line(" two\twords \r\n and\vmore ", false), "two words and more");
  EXPECT_EQ(text_on_one_line("\n \t", false), "");
  EXPECT_EQ(text_on_one_line("caf\u00e9 \u2028 x\u00a0y\u3000", false), "caf\u00e9 x y");
  EXPECT_EQ(text_on_one_line("\ufeff\u200b\u00a0", false), "");
  EXPECT_EQ(text_on_one_line("\xff\xc3 a", false), "\xff\xc3 a");  // what is not UTF-8 stays
}

TEST(TextOnOneLine, ReplacesTagsAndNothingElse) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"one<br /><br />two", "one two"},
      {"<p class=\"a\">x</p>", "x"},
      {"a < b > c", "a < b > c"},
      {"I <3 it", "I <3 it"},
      {"x <b", "x <b"},
      {"x <b <i>y", "x <b y"},
      {"so <sighs> he <I>left</I>", "so <sighs> he left"},
      {"<a href='x'>y</a >", "y"},
      {"<a while ago>", "<a while ago>"},
      {"<brand>", "<brand>"},
      {"<BR/>x<br\n/>", "x"},
      {"<" + std::string(600, 'a') + ">", "<" + std::string(600, 'a') + ">"},
      {"</", "</"},
      {"<", "<"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(text_on_one_line(text, true), expected);
  EXPECT_EQ(text_on_one_line("a<br />b", false), "a<br />b");
}

class TextExtractionTest : public ::testing::Test {
 protected:
  TextExtraction extraction(const std::string& name, const std::string& table) {
    write_file(folder_.file(name), table);
    TextExtraction result;
    result.inputs = {folder_.file(name)};
    result.output = folder_.file("out.txt");
    return result;
  }
  std::string read(const std::string& name) const { return read_text_file(folder_.file(name)); }

  TemporaryFolder folder_;
};

TEST_F(TextExtractionTest, KeepsTheFirstOfEqualTextsAndHoldsSomeOut) {
  TextExtraction wanted =
      extraction("t.tsv", "id\ttext\n1\tone\n2\ttwo\n3\t one\n4\t\n5\tthree\n6\tfour\n");
  wanted.held_out = folder_.file("held.txt");
  wanted.held_out_every = 2;
  const ExtractedTexts result = extract_texts(wanted);
  EXPECT_EQ(read("out.txt"), "one\nthree\n");
  EXPECT_EQ(read("held.txt"), "two\nfour\n");
  EXPECT_EQ(result.texts, 2);
  EXPECT_EQ(result.held_out, 2);
  EXPECT_EQ(result.repeats, 1);
  EXPECT_EQ(result.empty, 1);
  wanted.keep_repeats = true;
  EXPECT_EQ(extract_texts(wanted).repeats, 0);
  EXPECT_EQ(read("out.txt"), "one\none\nfour\n");
}

TEST_F(TextExtractionTest, ReadsEachFormat) {
  extract_texts(extraction("t.csv", "text,label\n\"a, and\nb\",1\nc,0\n"));
  EXPECT_EQ(read("out.txt"), "a, and b\nc\n");
  extract_texts(extraction("t.jsonl", "{\"text\": \"x\\ny\"}\n{\"text\": \"z\"}\n"));
  EXPECT_EQ(read("out.txt"), "x y\nz\n");
  TextExtraction numbered = extraction("plain.tsv", "0\tfirst\n1\tsecond\n");
  numbered.header = false;
  numbered.column = Column::at(1);
  extract_texts(numbered);
  EXPECT_EQ(read("out.txt"), "first\nsecond\n");
}

TEST_F(TextExtractionTest, WritesNothingWhereItFails) {
  TextExtraction wanted = extraction("t.tsv", "id\ttext\n1\ta\n2\tb\tc\n3\td\n");
  EXPECT_THAT(message_of<RunError>([&] { extract_texts(wanted); }),
              ::testing::AllOf(HasSubstr("t.tsv:3"), HasSubstr("of 3 rows")));
  EXPECT_FALSE(std::filesystem::exists(wanted.output));
  wanted.max_bad_share = 0.5;
  EXPECT_EQ(extract_texts(wanted).bad_rows, 1);
  EXPECT_EQ(read("out.txt"), "a\nd\n");

  TextExtraction lacks = extraction("t.tsv", "id\tbody\n1\ta\n");
  EXPECT_THAT(message_of<UsageError>([&] { extract_texts(lacks); }), HasSubstr("body"));
  TextExtraction empty = extraction("t.tsv", "text\n \n");
  EXPECT_THAT(message_of<RunError>([&] { extract_texts(empty); }), HasSubstr("no text"));
  EXPECT_EQ(read("out.txt"), "a\nd\n");  // of before

  set_stop_signal(SIGTERM);
  EXPECT_THROW(extract_texts(extraction("t.tsv", "text\na\n")), StopError);
  set_stop_signal(0);
  EXPECT_EQ(read("out.txt"), "a\nd\n");
}

}  // namespace
}  // namespace linformer
