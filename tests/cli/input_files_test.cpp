// Typical user files, read by every program that accepts them: compressed, with a byte-order mark,
// with the line ends of any system, with null for missing values.
#include <filesystem>

#include "cli/predict_fixture.h"
#include "text/fixtures.h"

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kMark = "\xEF\xBB\xBF";

std::string with_line_ends(std::string text, const std::string& line_end) {
  for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + line_end.size())) {
    text.replace(at, 1, line_end);
  }
  return text;
}

/// The same rows under the names and in the bytes in which they may come.
std::vector<std::pair<std::string, std::string>> ways_to_write(const std::string& name,
                                                               const std::string& rows) {
  return {{name, rows},
          {"mark." + name, kMark + rows},
          {"crlf." + name, with_line_ends(rows, "\r\n")},
          {"cr." + name, with_line_ends(rows, "\r")},
          {"cr.mark." + name, kMark + with_line_ends(rows, "\r")},
          {"open." + name, with_line_ends(rows.substr(0, rows.size() - 1), "\r")},
          {name + ".gz", gzip_of(rows)},
          {name + ".GZ", gzip_of(kMark + with_line_ends(rows, "\r"))},
          {name + ".zst", zstd_of(kMark + rows)},
          {"unnamed." + name, zstd_of(rows)}};
}

class InputFilesTest : public PredictTest {
 protected:
  /// The features of a file's rows, as bytes.
  std::string features_of(const std::string& input, const std::string& standard_input = "") {
    const ProgramResult result =
        run_child(command("features", "mlm", {"--input", input, "--output", file("f.safetensors")}),
                  {.standard_input = standard_input});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_text_file(file("f.safetensors"));
  }
  ProgramResult perplexity(const std::string& examples, const std::string& standard_input = "") {
    return run_child({"linformer-eval", "perplexity", "--checkpoint", file("mlm"), "--json",
                      "--examples", examples},
                     {.standard_input = standard_input});
  }
};

TEST_F(InputFilesTest, RowsOfIdsAndExamples) {
  const std::string rows =
      "{\"input_ids\": [0, 5, 7, 2]}\n\n{\"text\": \"a fine day\", \"text_pair\": \"no\"}\n";
  const std::string examples =
      "{\"input_ids\": [0, 999, 7, 2], \"labels\": [-100, 5, -100, -100]}\n"
      "{\"input_ids\": [0, 8, 2], \"labels\": [-100, 8, -100]}\n";
  std::string features;
  std::string measured;
  for (const auto& [name, bytes] : ways_to_write("rows.jsonl", rows)) {
    write_file(file(name), bytes);
    const std::string found = features_of(file(name));
    if (features.empty()) features = found;
    EXPECT_TRUE(found == features) << name;
  }
  EXPECT_TRUE(features_of("-", gzip_of(rows)) == features);
  for (const auto& [name, bytes] : ways_to_write("examples.jsonl", examples)) {
    write_file(file(name), bytes);
    const ProgramResult result = perplexity(file(name));
    ASSERT_EQ(result.exit_code, 0) << name << "\n" << result.err;
    if (measured.empty()) measured = result.out;
    EXPECT_EQ(result.out, measured) << name;
  }
  EXPECT_EQ(json::parse(measured)["masked_tokens"], 2);
  EXPECT_EQ(perplexity("-", examples).out, measured);
}

TEST_F(InputFilesTest, WhatCannotBeReadIsNamed) {
  const std::string gzip = gzip_of("{\"input_ids\": [0, 5, 2], \"labels\": [-100, 5, -100]}\n");
  const std::vector<std::pair<std::string, std::string>> files{
      {gzip.substr(0, gzip.size() - 3), "the file is cut short"},
      {"{\"input_ids\": [0, 5, 2]}\n", "the name ends in .gz but the content is not that"},
      {gzip_of(std::string("{\"a\": \"\0\"}\n", 11)), "is NUL"}};
  for (const auto& [bytes, message] : files) {
    write_file(file("rows.jsonl.gz"), bytes);
    const ProgramResult features = run_child(command(
        "features", "mlm", {"--input", file("rows.jsonl.gz"), "--output", file("f.safetensors")}));
    const ProgramResult measured = perplexity(file("rows.jsonl.gz"));
    for (const ProgramResult& result : {features, measured}) {
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_THAT(result.err, AllOf(HasSubstr("rows.jsonl.gz"), HasSubstr(message)));
    }
  }
}

TEST_F(InputFilesTest, TablesAndTexts) {
  const std::vector<std::pair<std::string, std::string>> kinds{
      {"a.txt", "a fine day\nthe old house\tno river\na third one\n"},
      {"a.csv", "id,text\n1,\"a fine, long day\"\n2,the old house\n3,\"a \"\"third\"\" one\"\n"},
      {"a.tsv", "id\ttext\n1\ta fine day\n2\tthe old house\n3\ta third one\n"},
      {"a.jsonl",
       "{\"text\": \"a fine\\r\\nday\"}\n{\"text\": \"the house\"}\n{\"text\": \"3\"}\n"}};
  for (const auto& [kind, rows] : kinds) {
    std::vector<std::string> options{"--json"};
    const auto ways = ways_to_write(kind, rows);
    for (const auto& [name, bytes] : ways) {
      write_file(file(name), bytes);
      options.insert(options.end(), {"--input", file(name)});
    }
    const ProgramResult result = classify("sentiment", options);
    ASSERT_EQ(result.exit_code, 0) << kind << "\n" << result.err;
    std::vector<json> answers = objects(result.out);
    ASSERT_THAT(answers, SizeIs(3 * ways.size())) << kind;
    for (size_t i = 0; i < answers.size(); ++i) {
      EXPECT_EQ(answers[i]["file"], file(ways[i / 3].first));
      for (const char* key : {"line", "text"}) {
        EXPECT_EQ(answers[i][key], answers[i % 3][key]) << ways[i / 3].first;
      }
    }
  }
}

// Between the quotation marks of CSV a line end is text, whichever ends the rows.
TEST_F(InputFilesTest, LineEndsWithinCellsAreText) {
  const std::vector<std::pair<std::string, std::string>> files{
      {"text,n\n\"a\rb\rc\rd\",1\n\"e\",2\n", "a\rb\rc\rd"},
      {"text,n\n\"a\nb\",1\n\"e\",2\n", "a\nb"},
      {"text,n\r\"a\nb\nc\nd\ne\",1\r\"e\",2\r", "a\nb\nc\nd\ne"},
      {"text,n\r\"a\rb\",1\r\"e\",2\r", "a\rb"},
      {"text,n\r\n\"a\rb\",1\r\n\"e\",2\r\n", "a\rb"}};
  for (const auto& [bytes, text] : files) {
    write_file(file("a.csv"), bytes);
    const ProgramResult result = classify("sentiment", {"--json", "--input", file("a.csv")});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto answers = objects(result.out);
    ASSERT_THAT(answers, SizeIs(2)) << bytes;
    EXPECT_EQ(answers[0]["text"], text);
    EXPECT_EQ(answers[1]["text"], "e");
  }
}

TEST_F(InputFilesTest, WhatWasRepairedIsSaid) {
  for (const auto& [row, places] : std::vector<std::pair<std::string, int>>{
           {"{\"text\": \"a \xFF day\", \"text_pair\": \"\xC3 and \\ud83d\"}\n", 3},
           {"{\"text\": \"a day\"}\n", 0}}) {
    write_file(file("rows.jsonl"), row);
    const std::string said =
        "not valid UTF-8; " + std::to_string(places) + " places were replaced by U+FFFD";
    const std::vector<std::vector<std::string>> commands{
        command("features", "mlm",
                {"--input", file("rows.jsonl"), "--output", file("f.safetensors")}),
        command("classify", "sentiment", {"--json", "--input", file("rows.jsonl")}),
        command("classify", "sentiment",
                {"--json", "--input", file("rows.jsonl"), "--input-format", "table",
                 "--text-column", "text", "--pair-column", "text_pair"})};
    for (const auto& each : commands) {
      const bool pair = each.back() == "text_pair";
      if (pair && places == 0) continue;  // the row has none
      const ProgramResult result = run_child(each);
      EXPECT_EQ(result.exit_code, 0) << result.err;
      EXPECT_THAT(result.err, places > 0 ? testing::Matcher<std::string>(HasSubstr(said))
                                         : testing::Matcher<std::string>(Not(HasSubstr("UTF-8"))));
    }
  }
}

// Programs write null (pandas NaN) where there is nothing.
TEST_F(InputFilesTest, NullIsAsIfTheKeyWereAbsent) {
  struct Case {
    std::string with_null;
    std::string without;
  };
  for (const auto& [with_null, without] : std::vector<Case>{
           {"{\"text\": \"a day\", \"text_pair\": null}\n", "{\"text\": \"a day\"}\n"},
           {"{\"text\": \"a day\", \"text_pair\": NaN}\n", "{\"text\": \"a day\"}\n"},
           {"{\"text\": \"a day\", \"input_ids\": null}\n", "{\"text\": \"a day\"}\n"},
           {"{\"text\": null, \"input_ids\": [0, 5, 2]}\n", "{\"input_ids\": [0, 5, 2]}\n"},
           {"{\"input_ids\": [0, 5, 2], \"attention_mask\": null, \"token_type_ids\": null}\n",
            "{\"input_ids\": [0, 5, 2]}\n"}}) {
    write_file(file("null.jsonl"), with_null);
    write_file(file("absent.jsonl"), without);
    EXPECT_TRUE(features_of(file("null.jsonl")) == features_of(file("absent.jsonl"))) << with_null;
    if (!without.starts_with("{\"text\"")) continue;
    const std::vector<std::string> options{"--json", "--input-format", "json-lines"};
    const ProgramResult answer = classify("sentiment", options, with_null);
    EXPECT_EQ(answer.exit_code, 0) << answer.err;
    EXPECT_EQ(answer.out, classify("sentiment", options, without).out) << with_null;
  }
  const std::string mask = "{\"text\": \"a <mask>\", \"text_pair\": null}\n";
  EXPECT_EQ(fill_mask({"--input-format", "json-lines"}, mask).exit_code, 0);
  const std::string row = "{\"input_ids\": [0, 5, 2], \"labels\": [-100, 5, -100]";
  const std::string measured = perplexity("-", row + "}\n").out;
  EXPECT_EQ(perplexity("-", row + ", \"attention_mask\": null}\n").out, measured);
  // Where something has to be there, null is nothing.
  const ProgramResult none =
      classify("sentiment", {"--input-format", "json-lines"}, "{\"text\": null}\n");
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("\"text\" is not text"));
}

// A text that is none is an error in every form in which it may come.
TEST_F(InputFilesTest, EmptyTextsAndNulBytesAreErrors) {
  const std::string nul("\0", 1);
  struct Case {
    std::string format;
    std::string input;
    std::string error;
  };
  for (const auto& [format, input, error] : std::vector<Case>{
           {"text", "a" + nul + "b\n", "holds a NUL byte"},
           {"text", "a\tb" + nul + "\n", "holds a NUL byte"},
           {"text", "a\t \n", "a text is empty"},
           {"text", " \tb\n", "a text is empty"},
           {"json-lines", "{\"text\": \"a\\u0000b\"}\n", "holds a NUL byte"},
           {"json-lines", "{\"text\": \"a\", \"text_pair\": \"\\u0000\"}\n", "holds a NUL byte"},
           {"json-lines", "{\"text\": \"a\", \"text_pair\": \" \"}\n", "a text is empty"}}) {
    const ProgramResult result = classify("sentiment", {"--input-format", format}, input);
    EXPECT_EQ(result.exit_code, 1) << input;
    EXPECT_THAT(result.out, HasSubstr(error)) << input;
    if (format == "text") continue;
    write_file(file("rows.jsonl"), input);
    const ProgramResult features = run_child(command(
        "features", "mlm", {"--input", file("rows.jsonl"), "--output", file("f.safetensors")}));
    EXPECT_EQ(features.exit_code, 1) << input;
    EXPECT_THAT(features.err, HasSubstr("rows.jsonl:1: \"text")) << input;
  }
}

// However an ending or a known name is written, it says what the file holds.
TEST_F(InputFilesTest, NamesCountInAnyCase) {
  make_model("binary", {HeadType::kClassification, {"0", "1"}});
  const std::string with_header = "index\tsentence\n0\tgood\n1\tbad\n";  // as CoLA's test file
  for (const auto& [name, bytes] :
       std::vector<std::pair<std::string, std::string>>{{"test.tsv", with_header},
                                                        {"TEST.TSV", with_header},
                                                        {"Test.tsv.GZ", gzip_of(with_header)},
                                                        {"test.TSV.ZST", zstd_of(with_header)}}) {
    write_file(file(name), bytes);
    const ProgramResult result =
        run_child({"linformer-eval", "task", "--checkpoint", file("binary"), "--task", "cola",
                   "--input", file(name), "--predictions", file("p.tsv")});
    EXPECT_EQ(result.exit_code, 0) << name << "\n" << result.err;
    EXPECT_THAT(lines_of(read_text_file(file("p.tsv"))), SizeIs(3)) << name;
    std::filesystem::remove(file("p.tsv"));
  }
}

}  // namespace
}  // namespace linformer
