#include "linformer/text/document_reader.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DocumentReaderTest : public ::testing::Test {
 protected:
  std::string file_of(const std::string& content) {
    const std::string path = folder_.file("file-" + std::to_string(++count_));
    write_file(path, content);
    return path;
  }
  std::vector<std::string> documents(const std::string& content, std::optional<TextLayout> layout,
                                     size_t max_document_bytes = 1 << 20) {
    return documents_of(file_of(content), layout, max_document_bytes);
  }

  TemporaryFolder folder_;
  int count_ = 0;
};

TEST_F(DocumentReaderTest, ADocumentPerLine) {
  EXPECT_THAT(documents("one\r\n\n \t\ntwo words\nthree", TextLayout::kLines),
              ElementsAre("one", "two words", "three"));
}

TEST_F(DocumentReaderTest, LinesOfOldMacsEndAtCarriageReturns) {
  EXPECT_THAT(documents("one\rtwo words\r\rthree", TextLayout::kLines),
              ElementsAre("one", "two words", "three"));
  EXPECT_THAT(documents("\ra\rb\r\r  \rc\r", TextLayout::kBlankLines), ElementsAre("a\nb", "c"));
  EXPECT_THAT(documents("a\rb\r\rc\r", std::nullopt), ElementsAre("a\nb", "c"));
  EXPECT_EQ(guess_layout("a\rb\r\rc\r"), TextLayout::kBlankLines);
  EXPECT_EQ(guess_layout("a\rb\rc"), TextLayout::kLines);
  EXPECT_EQ(guess_layout(" \r = A title = \r \r text\r"), TextLayout::kWikitext);
  EXPECT_EQ(guess_layout(" \r\n = A title = \r\n \r\n text\r\n"), TextLayout::kWikitext);
}

TEST_F(DocumentReaderTest, ElsewhereLinesEndAtLineFeedsAlone) {
  // U+0085 and U+2028 are line ends for Unicode, but not here.
  EXPECT_THAT(documents("a\xC2\x85"
                        "b\xE2\x80\xA8"
                        "c\rd\ne\n",
                        TextLayout::kLines),
              ElementsAre("a\xC2\x85"
                          "b\xE2\x80\xA8"
                          "c\rd",
                          "e"));
}

TEST_F(DocumentReaderTest, BlankLinesBetweenDocuments) {
  EXPECT_THAT(documents("\n\na\nb\n\n  \nc\r\n\r\nd", TextLayout::kBlankLines),
              ElementsAre("a\nb", "c", "d"));
}

TEST_F(DocumentReaderTest, JsonLines) {
  EXPECT_THAT(
      documents("{\"text\": \"one\\ntwo \\u00e9\", \"id\": 1}\n\n{\"id\":2,\"text\":\"\"}\n",
                TextLayout::kJsonLines),
      ElementsAre("one\ntwo \xC3\xA9", ""));
}

TEST_F(DocumentReaderTest, JsonErrorsNameTheLine) {
  const std::string bad = file_of("{\"text\": \"a\"}\n\nnot json\n");
  EXPECT_THAT(message_of<RunError>([&] { documents_of(bad, TextLayout::kJsonLines); }),
              HasSubstr(bad + ":3: the line is not a JSON object"));
  const std::string no_text = file_of("{\"body\": \"a\"}\n");
  EXPECT_THAT(message_of<RunError>([&] { documents_of(no_text, TextLayout::kJsonLines); }),
              HasSubstr(no_text + ":1: the object has no string named \"text\""));
}

TEST_F(DocumentReaderTest, JsonThatPythonWritesIsRead) {
  EXPECT_THAT(
      documents("{\"text\": \"a\\ud83d\", \"score\": NaN}\n{\"text\": \"\\ud83d\\ude00\"}\n",
                TextLayout::kJsonLines),
      ElementsAre("a\xEF\xBF\xBD", "\xF0\x9F\x98\x80"));
}

TEST_F(DocumentReaderTest, LinesWithoutTextAreLeftOutOrRefused) {
  std::string text;
  uint64_t num_invalid = 0;
  const auto content = [&](const char* line, BadLines bad_lines) {
    return append_document_text({line, 1}, TextLayout::kJsonLines, "x", bad_lines, text,
                                num_invalid);
  };
  for (const char* line :
       {"{\"text\": null}", "{\"text\": NaN}", "{\"text\":Infinity, \"a\": 1}"}) {
    EXPECT_EQ(content(line, BadLines::kRefuse), DocumentContent::kNoText) << line;
  }
  for (const char* line : {"{\"text\": 1}", "{\"text\": [\"a\"]}", "{\"body\": \"a\"}", "[1]",
                           "null", "\"\\ud83d\"", "{\"text\": \"a\"", "word"}) {
    EXPECT_THAT(message_of<RunError>([&] { content(line, BadLines::kRefuse); }),
                AllOf(HasSubstr("x:1: "), HasSubstr("--bad-lines skip")))
        << line;
    EXPECT_EQ(content(line, BadLines::kSkip), DocumentContent::kBadLine) << line;
  }
  EXPECT_EQ(text, "");
  EXPECT_EQ(num_invalid, 0u);
  EXPECT_THAT(message_of<RunError>([&] { content("[1]", BadLines::kRefuse); }),
              HasSubstr("not a JSON object but a JSON array"));
}

TEST_F(DocumentReaderTest, AJsonArrayIsNotGuessedToBeText) {
  for (const char* content :
       {"[{\"text\": \"a\"}]", "\xEF\xBB\xBF[\n  {\n    \"text\": \"a\"\n  }\n]\n",
        "[\"one\", \"two\"]", "[\"a \\\"b\\\"\"]"}) {
    const std::string path = file_of(content);
    EXPECT_THAT(message_of<RunError>([&] { documents_of(path, std::nullopt); }),
                AllOf(HasSubstr(path + ": begins like a JSON array"), HasSubstr("jq -c")))
        << content;
    EXPECT_THAT(documents_of(path, TextLayout::kBlankLines), ::testing::SizeIs(1)) << "as asked";
  }
  for (const char* content :
       {"[1] See there.\n", "[\"Hello,\" he said.]\n", "[ ] a task\n", "[", "[\"", "[{x}]\n"}) {
    EXPECT_THAT(documents(content, std::nullopt), ::testing::SizeIs(1)) << content;
  }
}

TEST_F(DocumentReaderTest, WikitextTitlesStartDocuments) {
  const std::string text =
      " \n = First = \n \n Text one . \n \n = = Section = = \n \n More . \n \n = Second = \n "
      "\n Two . \n";
  EXPECT_THAT(documents(text, TextLayout::kWikitext),
              ElementsAre(" = First = \n Text one . \n = = Section = = \n More . ",
                          " = Second = \n Two . "));
}

TEST_F(DocumentReaderTest, WikitextTitlesStandBetweenBlankLines) {
  // The second and the last line look like titles but are rows of a table.
  EXPECT_THAT(documents(" = First = \n \n Key \n = Ties , L = \n Losses \n \n = W = \n Wins \n",
                        TextLayout::kWikitext),
              ElementsAre(" = First = \n Key \n = Ties , L = \n Losses \n = W = \n Wins "));
}

TEST_F(DocumentReaderTest, FindsTheArticlesOfWikitext2) {
  const std::string folder = std::string(LINFORMER_SHARED_DIR) + "/data/wikitext-2/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "there is no " << folder;
  // As published: 600 and 60 articles.
  EXPECT_EQ(documents_of(folder + "wiki.train.tokens.zst", std::nullopt).size(), 600u);
  EXPECT_EQ(documents_of(folder + "wiki.valid.tokens", std::nullopt).size(), 60u);
}

TEST_F(DocumentReaderTest, GuessesTheLayout) {
  EXPECT_EQ(guess_layout("{\"text\": 1}\n"), TextLayout::kJsonLines);
  EXPECT_EQ(guess_layout(" \n = A title = \n \n text\n"), TextLayout::kWikitext);
  EXPECT_EQ(guess_layout("a\nb\n\nc\n"), TextLayout::kBlankLines);
  EXPECT_EQ(guess_layout("a\nb\nc"), TextLayout::kLines);
  EXPECT_EQ(guess_layout("x = y = z\nb\n"), TextLayout::kLines);
  EXPECT_THAT(documents("a\nb\n\nc\n", std::nullopt), ElementsAre("a\nb", "c"));
}

TEST_F(DocumentReaderTest, LayoutNamesGoThereAndBack) {
  for (const auto layout : {TextLayout::kLines, TextLayout::kBlankLines, TextLayout::kJsonLines,
                            TextLayout::kWikitext}) {
    EXPECT_EQ(layout_of(std::string(layout_name(layout))), layout);
  }
  EXPECT_THAT(message_of<UsageError>([] { layout_of("pages"); }), HasSubstr("--layout"));
}

TEST_F(DocumentReaderTest, CutsDocumentsThatAreTooLong) {
  // 10 bytes at most: "aaaa bbbb cccc" is cut at the last blank within them.
  EXPECT_THAT(documents("aaaa bbbb cccc\ndd\n", TextLayout::kLines, 10),
              ElementsAre("aaaa bbbb", " cccc", "dd"));
  EXPECT_THAT(documents("aaaa\nbbbb\ncccc\n\ndd\n", TextLayout::kBlankLines, 10),
              ElementsAre("aaaa\nbbbb", "\ncccc", "dd"));
  // Without a blank a character is not cut in two: 3 euro signs of 3 bytes in 10.
  const std::string euro = "\xE2\x82\xAC";
  EXPECT_THAT(documents(euro + euro + euro + euro + "\n", TextLayout::kLines, 10),
              ElementsAre(euro + euro + euro, euro));
  // At an ideographic stop sooner than inside a sentence; "\n" only where the text has one.
  EXPECT_THAT(
      documents("\xE7\x8C\xAB\xE3\x80\x82\xE7\x8C\xAB\xE7\x8C\xAB\n", TextLayout::kLines, 10),
      ElementsAre("\xE7\x8C\xAB\xE3\x80\x82", "\xE7\x8C\xAB\xE7\x8C\xAB"));
  EXPECT_THAT(documents("aaaaaa bb\ncc\n", TextLayout::kBlankLines, 8),
              ElementsAre("aaaaaa", " bb\ncc"));
  DocumentReader reader(file_of("aaaa bbbb cccc\nd\n"), TextLayout::kLines, 10);
  EXPECT_FALSE(reader.next()->continues);
  EXPECT_TRUE(reader.next()->continues);
  EXPECT_FALSE(reader.next()->continues);
  EXPECT_EQ(reader.cuts(), 1u);
}

TEST_F(DocumentReaderTest, KeepsLongLinesAcrossBuffers) {
  // Longer than the reader's buffer, so that it has to grow and move what it holds.
  const std::string longest(3'000'000, 'x');
  EXPECT_THAT(documents("a\n" + longest + "\nb\n", TextLayout::kLines, 4'000'000),
              ElementsAre("a", longest, "b"));
}

TEST_F(DocumentReaderTest, ReadsTheSameFromCompressedFiles) {
  const std::string plain = file_of(sample_text());
  const std::string zstd = file_of(zstd_of(sample_text()));
  const std::string gzip = file_of(gzip_of(sample_text()));
  const auto documents = documents_of(plain, std::nullopt);
  EXPECT_GT(documents.size(), 100u);
  EXPECT_EQ(documents_of(zstd, std::nullopt), documents);
  EXPECT_EQ(documents_of(gzip, std::nullopt), documents);
}

TEST_F(DocumentReaderTest, ReplacesAndCountsMalformedUtf8) {
  std::string text;
  uint64_t num_invalid = 0;
  const auto append = [&](const char* document, TextLayout layout) {
    return append_document_text({document, 1}, layout, "x", BadLines::kRefuse, text, num_invalid);
  };
  EXPECT_EQ(append("a\xFF\xFE", TextLayout::kLines), DocumentContent::kText);
  EXPECT_EQ(text, "a\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(num_invalid, 2u);
  text.clear();
  EXPECT_EQ(append("{\"text\": \"a\xFF\"}", TextLayout::kJsonLines), DocumentContent::kText);
  EXPECT_EQ(text, "a\xEF\xBF\xBD");
  EXPECT_EQ(num_invalid, 3u);
}

TEST_F(DocumentReaderTest, DropsTheByteOrderMark) {
  EXPECT_THAT(documents("\xEF\xBB\xBFone\ntwo\n", TextLayout::kLines), ElementsAre("one", "two"));
}

TEST_F(DocumentReaderTest, RefusesBinaryAndBlankFiles) {
  const std::string binary = file_of(std::string("text\nmore\0text", 14));
  EXPECT_THAT(message_of<RunError>([&] { documents_of(binary, std::nullopt); }),
              HasSubstr("byte 9 is NUL"));
  const std::string blank = file_of("\n  \n\t\n");
  EXPECT_THAT(message_of<RunError>([&] { documents_of(blank, std::nullopt); }),
              HasSubstr("the file holds no text"));
}

TEST_F(DocumentReaderTest, KnowsTheLineOfADocument) {
  const std::string path = file_of("\na\nb\n\n\nc\n");
  DocumentReader reader(path, TextLayout::kBlankLines);
  EXPECT_EQ(reader.next()->line, 2u);
  EXPECT_EQ(reader.next()->line, 6u);
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace linformer
