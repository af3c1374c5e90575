#include "linformer/data/text_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "text/fixtures.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<int32_t>;

Ids joined(std::initializer_list<Ids> parts) {
  Ids all;
  for (const Ids& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Ids encoded(const std::string& text) {
  return unigram_tokenizer().encode(text);
}

RequestOptions options(RequestKind kind, int64_t length = 64) {
  RequestOptions made;
  made.kind = kind;
  made.max_sequence_length = length;
  return made;
}

TextRequest request(const std::string& line, const RequestOptions& how) {
  return TextRequests(unigram_tokenizer(), how, std::vector<std::string>{}).request(line);
}

TextRequest classify(const std::string& line) {
  return request(line, options(RequestKind::kClassify));
}

TextRequest fill_mask(const std::string& line, int64_t length = 64) {
  return request(line, options(RequestKind::kFillMask, length));
}

TEST(TextRequests, OneTextOrTwo) {
  const TextRequest one = classify("a <mask> cat");
  EXPECT_EQ(one.error, "");
  EXPECT_EQ(one.text, "a <mask> cat");
  EXPECT_FALSE(one.text_pair);
  // to a classifier, <mask> is text
  EXPECT_EQ(one.row.input_ids, joined({{0}, encoded("a <mask> cat"), {2}}));
  const TextRequest two = classify("a cat\ta dog");
  EXPECT_EQ(two.text, "a cat");
  EXPECT_EQ(two.text_pair, "a dog");
  EXPECT_EQ(two.row.input_ids, joined({{0}, encoded("a cat"), {2, 2}, encoded("a dog"), {2}}));
  EXPECT_EQ(two.row.attention_mask, std::vector<uint8_t>(two.row.input_ids.size(), 1));
  // and equals what other rows of texts become
  const std::string a = "a cat";
  const std::string b = "a dog";
  EXPECT_EQ(two.row, encode_texts(unigram_tokenizer(), a, &b, 0));
}

TEST(TextRequests, MasksBecomeIds) {
  EXPECT_EQ(fill_mask("the <mask> and<mask>").row.input_ids,
            joined({{0}, encoded("the "), {999}, encoded(" and"), {999, 2}}));
  // the other special pieces cannot be smuggled in
  EXPECT_EQ(fill_mask("</s> <mask>").row.input_ids, joined({{0}, encoded("</s> "), {999, 2}}));
}

TEST(TextRequests, EachLineThatCannotBeAnsweredSaysWhy) {
  const auto error_of = [](const TextRequest& given) {
    EXPECT_TRUE(given.row.input_ids.empty());
    return given.error;
  };
  EXPECT_THAT(error_of(classify("")), HasSubstr("the line is empty"));
  EXPECT_THAT(error_of(classify(" \t ")), HasSubstr("the line is empty"));
  EXPECT_THAT(error_of(classify("a\tb\tc")), HasSubstr("2 TABs"));
  EXPECT_THAT(error_of(classify(std::string("a\0b", 3))), HasSubstr("NUL"));
  EXPECT_THAT(error_of(fill_mask("no place")), HasSubstr("no <mask>"));
  RequestOptions json = options(RequestKind::kClassify);
  json.json_lines = true;
  EXPECT_THAT(error_of(request("plain", json)), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of(request("{\"txt\": \"a\"}", json)), HasSubstr("\"text\" is missing"));
  EXPECT_THAT(error_of(request("{\"text\": 3}", json)), HasSubstr("\"text\" is not text"));
  for (const char* empty :
       {"{\"text\": \"\"}", "{\"text\": \" \\t\"}", "{\"text\": \"a\", \"text_pair\": \"\"}"}) {
    EXPECT_THAT(error_of(request(empty, json)), HasSubstr("a text is empty")) << empty;
  }
  EXPECT_THAT(error_of(request("{\"text\": \"a\\u0000b\"}", json)), HasSubstr("NUL"));
  json.kind = RequestKind::kFillMask;
  EXPECT_THAT(error_of(request("{\"text\": \"<mask>\", \"text_pair\": \"b\"}", json)),
              HasSubstr("\"text_pair\" has no meaning"));
}

TEST(TextRequests, ReadJson) {
  RequestOptions json = options(RequestKind::kClassify);
  json.json_lines = true;
  const TextRequest pair =
      request("{\"text\": \"a\\tcat\", \"text_pair\": \"dog\", \"label\": 1}", json);
  EXPECT_EQ(pair.error, "");
  EXPECT_EQ(pair.text, "a\tcat");
  EXPECT_EQ(pair.text_pair, "dog");
}

TEST(TextRequests, RepairJsonThatPythonWrites) {
  RequestOptions json = options(RequestKind::kClassify);
  json.json_lines = true;
  const TextRequest half = request("{\"text\": \"a \\ud83d\", \"score\": NaN}", json);
  EXPECT_EQ(half.error, "");
  EXPECT_EQ(half.text, "a \xEF\xBF\xBD");
  EXPECT_EQ(half.repaired_utf8, 1u);
  EXPECT_THAT(request("{\"text\": NaN}", json).error, HasSubstr("\"text\" is not text"));
}

TEST(TextRequests, RepairInvalidUtf8) {
  const TextRequest repaired = classify("a \xFF cat \xC3");
  EXPECT_EQ(repaired.error, "");
  EXPECT_EQ(repaired.repaired_utf8, 2u);
  EXPECT_EQ(repaired.text, "a \xEF\xBF\xBD cat \xEF\xBF\xBD");
}

TEST(TextRequests, CutWhatTheModelHasNoRoomFor) {
  const Ids word = encoded("the");
  ASSERT_EQ(word.size(), 1u);
  RequestOptions eight = options(RequestKind::kClassify, 8);
  // 8 positions, 2 of them for <s> and </s>
  const TextRequest one = request("the the the the the the the the the", eight);
  EXPECT_TRUE(one.truncated);
  EXPECT_EQ(one.row.input_ids.size(), 8u);
  // 8 - 4 positions for both; the longer one is cut first: 5 + 1 -> 3 + 1, 5 + 3 -> 2 + 2
  const TextRequest uneven = request("the the the the the\tthe", eight);
  EXPECT_EQ(uneven.row.input_ids, joined({{0}, word, word, word, {2, 2}, word, {2}}));
  EXPECT_TRUE(uneven.truncated);
  EXPECT_FALSE(request("the the\tthe the", eight).truncated);
  const TextRequest even = request("the the the the the\tthe the the", eight);
  EXPECT_EQ(even.row.input_ids, joined({{0}, word, word, {2, 2}, word, word, {2}}));
  RequestOptions tail = eight;
  tail.truncation = Truncation::kTail;
  EXPECT_EQ(request("a the the the the the the", tail).row.input_ids,
            joined({{0}, word, word, word, word, word, word, {2}}));
  // a mask that would be cut cannot be answered
  EXPECT_TRUE(fill_mask("<mask> the the the the the the the", 8).truncated);
  EXPECT_FALSE(fill_mask("<mask> the the the the the", 8).truncated);
  EXPECT_THAT(fill_mask("the the the the the the <mask>", 8).error,
              HasSubstr("a <mask> stands behind the 6 tokens that the model has room for (7 are"));
}

TEST(TextRequests, ComeInWindowsInOrder) {
  const TemporaryFolder folder;
  write_file(folder.file("a.txt"), "one\n\nthree\n");
  write_file(folder.file("b.txt"), "four\n");
  RequestOptions two = options(RequestKind::kClassify);
  two.look_ahead = 3;
  TextRequests requests(unigram_tokenizer(), two,
                        LineStream({folder.file("a.txt"), folder.file("b.txt")}));
  std::vector<std::vector<std::string>> windows;
  while (true) {
    const std::vector<TextRequest> window = requests.next();
    if (window.empty()) break;
    windows.emplace_back();
    for (const TextRequest& each : window) {
      windows.back().push_back(each.where().substr(folder.path().size() + 1) + " " + each.text +
                               each.error);
    }
  }
  EXPECT_THAT(windows,
              ElementsAre(ElementsAre("a.txt:1 one", "a.txt:2 the line is empty", "a.txt:3 three"),
                          ElementsAre("b.txt:1 four")));
  TextRequests given(unigram_tokenizer(), two, std::vector<std::string>{"x", "y"});
  const std::vector<TextRequest> window = given.next();
  ASSERT_EQ(window.size(), 2u);
  EXPECT_EQ(window[1].where(), "--text:2");
  EXPECT_TRUE(given.next().empty());
}

class TableRequestsTest : public ::testing::Test {
 protected:
  std::vector<TextRequest> read(const std::string& name, const std::string& content,
                                const TableLayout& layout) const {
    write_file(folder_.file(name), content);
    TextRequests requests(unigram_tokenizer(), options(RequestKind::kClassify),
                          std::vector<RequestTable>{{folder_.file(name), layout}});
    return requests.next();
  }
  static TableLayout columns(const char* a, std::optional<Column> b = {}) {
    TableLayout layout;
    layout.format_by_name = true;
    layout.a = a;
    layout.b = std::move(b);
    return layout;
  }

  TemporaryFolder folder_;
};

TEST_F(TableRequestsTest, RowsAreTextsOfTheirColumns) {
  const auto csv =
      read("a.csv", "id,label,text\n1,good,\"a, cat\nb\"\n2,bad,a dog\n", columns("text"));
  ASSERT_EQ(csv.size(), 2u);
  EXPECT_EQ(csv[0].text, "a, cat\nb");
  EXPECT_FALSE(csv[0].text_pair);
  EXPECT_EQ(csv[0].row, encode_texts(unigram_tokenizer(), csv[0].text, nullptr, 0));
  EXPECT_EQ(csv[1].line, 4u);
  const auto pairs = read("a.tsv", "q\tlabel\tp\na dog\t1\ta cat\n", columns("p", Column("q")));
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_EQ(pairs[0].text, "a cat");
  EXPECT_EQ(pairs[0].text_pair, "a dog");
}

TEST_F(TableRequestsTest, EachRowThatCannotBeAnsweredSaysWhy) {
  const auto rows = read("a.tsv", "text\tlabel\na\t1\nb\n \t1\ncaf\xE9\t0\n", columns("text"));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].error, "");
  EXPECT_THAT(rows[1].error, HasSubstr("has 1 field, the header has 2"));
  EXPECT_THAT(rows[2].error, HasSubstr("a text is empty"));
  EXPECT_EQ(rows[3].repaired_utf8, 1u);
  EXPECT_EQ(rows[3].where(), folder_.file("a.tsv") + ":5");
  EXPECT_THAT(
      message_of<UsageError>([&] { read("a.csv", "sentence,label\na,1\n", columns("text")); }),
      HasSubstr("no column 'text'; its columns are 'sentence', 'label'"));
}

TEST(TextRequests, KeysOfJsonLinesHaveNames) {
  RequestOptions json = options(RequestKind::kClassify);
  json.json_lines = true;
  json.text_key = "premise";
  json.pair_key = "hypothesis";
  const TextRequest pair = request("{\"premise\": \"a\", \"hypothesis\": \"b\"}", json);
  EXPECT_EQ(pair.text, "a");
  EXPECT_EQ(pair.text_pair, "b");
  EXPECT_THAT(request("{\"text\": \"a\"}", json).error, HasSubstr("\"premise\" is missing"));
  EXPECT_THAT(request(std::string(100'000, '['), json).error, HasSubstr("nested more than 100"));
}

}  // namespace
}  // namespace linformer
