#include "linformer/data/table_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "text/fixtures.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Rows as "LINE:field|field", bad ones as "LINE!problem".
std::vector<std::string> rows_of(const std::string& text, const TableOptions& options,
                                 const std::vector<WantedColumn>& wanted) {
  const TemporaryFolder folder;
  write_file(folder.file("table"), text);
  TableReader reader(folder.file("table"), options, wanted);
  std::vector<std::string> rows;
  while (const auto row = reader.next()) {
    std::string shown = std::to_string(row->line) + (row->problem.empty() ? ":" : "!");
    for (const std::string& field : row->fields) shown += field + "|";
    rows.push_back(row->problem.empty() ? shown.substr(0, shown.size() - 1)
                                        : std::to_string(row->line) + "!" + row->problem);
  }
  return rows;
}

std::string refusal(const std::string& text, const TableOptions& options,
                    const std::vector<WantedColumn>& wanted) {
  return message_of<Error>([&] { rows_of(text, options, wanted); });
}

const TableOptions kTsv{TableFormat::kTsv};
const TableOptions kCsv{TableFormat::kCsv};
const TableOptions kJson{TableFormat::kJsonLines};
const TableOptions kNoHeader{TableFormat::kTsv, false};

TEST(TableReader, TakesColumnsByNameInAnyOrder) {
  EXPECT_THAT(rows_of("id\ttext\tlabel\n7\tone\tyes\n8\ttwo\tno\n", kTsv, {{"label"}, {"text"}}),
              ElementsAre("2:yes|one", "3:no|two"));
}

TEST(TableReader, TakesColumnsByPlaceWithoutHeader) {
  EXPECT_THAT(rows_of("gj04\t1\t\tA man.\ngj04\t0\t*\tMan a.\n", kNoHeader,
                      {{Column::at(3)}, {Column::at(1)}}),
              ElementsAre("1:A man.|1", "2:Man a.|0"));
}

TEST(TableReader, SplitsLinesAtLineFeedsAlone) {
  // CR LF, a byte-order mark, NEXT LINE (U+0085), LINE SEPARATOR (U+2028), a lone CR, no last LF.
  EXPECT_THAT(rows_of("\xEF\xBB\xBFtext\tlabel\r\na\xC2\x85"
                      "b\t0\r\nc\xE2\x80\xA8"
                      "d\re\t1",
                      kTsv, {{"text"}, {"label"}}),
              ElementsAre("2:a\xC2\x85"
                          "b|0",
                          "3:c\xE2\x80\xA8"
                          "d\re|1"));
}

TEST(TableReader, QuotationMarksInTsvAreText) {
  EXPECT_THAT(
      rows_of("text\tlabel\n\"open\t1\n\"He said \"\"no\"\"\"\t0\n", kTsv, {{"text"}, {"label"}}),
      ElementsAre("2:\"open|1", "3:\"He said \"\"no\"\"\"|0"));
}

TEST(TableReader, UndoesTheQuotingOfWholeFieldsIfAsked) {
  TableOptions options = kTsv;
  options.undo_quotes = true;
  EXPECT_THAT(
      rows_of("a\n\"He said \"\"no\"\"\"\n\"open\n\"two\" \"words\"\nx \"\"y\"\"\n\"\n", options,
              {{"a"}}),
      ElementsAre("2:He said \"no\"", "3:\"open", "4:\"two\" \"words\"", "5:x \"\"y\"\"", "6:\""));
}

TEST(TableReader, CsvFieldsMayHoldCommasMarksAndLineEnds) {
  EXPECT_THAT(rows_of("text,label\r\n\"a, b\",0\r\n\"two\nlines and \"\"marks\"\"\",1\n"
                      "5\" tall,0\n\"\",1\n",
                      kCsv, {{"text"}, {"label"}}),
              ElementsAre("2:a, b|0", "3:two\nlines and \"marks\"|1", "5:5\" tall|0", "6:|1"));
  EXPECT_THAT(rows_of("text,label\n\"a\"b,0\n", kCsv, {{"text"}}),
              ElementsAre("2!text after the closing quotation mark of field 1"));
  EXPECT_THAT(refusal("text,label\nok,1\n\"never closed,0\nmore,1\n", kCsv, {{"text"}}),
              HasSubstr("table:3: a quoted field begins here and never ends"));
}

// As spreadsheets of old Macs write: rows end with CR, lines within a cell with LF.
TEST(TableReader, RowsOfOldMacsEndAtCarriageReturns) {
  EXPECT_THAT(rows_of("a\tb\r1\t2\r\r3\t4\r", kTsv, {{"b"}}),
              ElementsAre("2:2", "3!an empty line", "4:4"));
  EXPECT_THAT(rows_of("text,n\r\"a, b\",1\r\"c\nd\ne\nf\ng\",2\rh,3", kCsv, {{"text"}, {"n"}}),
              ElementsAre("2:a, b|1", "3:c\nd\ne\nf\ng|2", "8:h|3"));
  EXPECT_THAT(
      rows_of("\"a\rb\",1\nc,2\n", TableOptions{TableFormat::kCsv, false}, {{Column::at(0)}}),
      ElementsAre("1:a\rb", "2:c"));
  EXPECT_THAT(rows_of("{\"n\": 1}\r{\"n\": 2}\r", kJson, {{"n"}}), ElementsAre("1:1", "2:2"));
}

TEST(TableReader, NullOfAnOptionalKeyIsNone) {
  const std::vector<WantedColumn> wanted{{"n"}, {"id", false}};
  EXPECT_THAT(rows_of("{\"n\": 1, \"id\": null}\n{\"n\": 2}\n{\"n\": 3, \"id\": NaN}\n"
                      "{\"n\": 4, \"id\": 7}\n",
                      kJson, wanted),
              ElementsAre("1:1|", "2:2|", "3:3|", "4!has the key \"id\", unlike the first row"));
  EXPECT_THAT(rows_of("{\"n\": 1, \"id\": 5}\n{\"n\": 2, \"id\": null}\n", kJson, wanted),
              ElementsAre("1:1|5", "2!has null under the key \"id\", unlike the first row"));
}

TEST(TableReader, JsonLinesHaveKeys) {
  EXPECT_THAT(
      rows_of("{\"text\": \"a\\tb\\n\", \"label\": 3}\n\n{\"label\": true, \"text\": \"c\"}\n",
              kJson, {{"text"}, {"label"}, {"id", false}}),
      ElementsAre("1:a\tb\n|3|", "3:c|true|"));
  EXPECT_THAT(rows_of("{\"text\": \"a\", \"label\": 0}\n{\"text\": \"b\"}\nno\n[1]\n"
                      "{\"text\": [], \"label\": 1}\n{\"text\": null, \"label\": 1}\n",
                      kJson, {{"text"}, {"label"}}),
              ElementsAre("1:a|0", "2!lacks the key \"label\", unlike the first row",
                          "3!is not valid JSON, at character 2", "4!not a JSON object",
                          "5!\"text\" is array, neither text nor a number",
                          "6!\"text\" is null, neither text nor a number"));
  EXPECT_THAT(refusal("x\n", kJson, {{"text"}}),
              HasSubstr("table:1: is not valid JSON, at character 1"));
}

TEST(TableReader, JsonThatPythonWritesIsRead) {
  EXPECT_THAT(
      rows_of("{\"text\": \"\\ude00a\", \"label\": 1}\n{\"text\": \"b\\ud83d\", \"label\": NaN}\n",
              kJson, {{"text"}, {"label"}}),
      ElementsAre("1:\xEF\xBF\xBD"
                  "a|1",
                  "2!\"label\" is null, neither text nor a number"));
}

TEST(TableReader, NumberOfFieldsHasToFit) {
  EXPECT_THAT(rows_of("a\tb\n1\t2\n1\n1\t2\t3\n3\t4\n", kTsv, {{"b"}}),
              ElementsAre("2:2", "3!has 1 field, the header has 2",
                          "4!has 3 fields, the header has 2", "5:4"));
  EXPECT_THAT(rows_of("1\t2\n3\n", kNoHeader, {{Column::at(0)}}),
              ElementsAre("1:1", "2!has 1 field, line 1 has 2"));
  TableOptions two_widths = kNoHeader;
  two_widths.num_fields = {2, 4};
  EXPECT_THAT(rows_of("1\t2\n3\t4\t5\t6\n7\t8\t9\n", two_widths, {{Column::at(1)}}),
              ElementsAre("1:2", "2:4", "3!has 3 fields, rows of this file have 2 or 4"));
}

TEST(TableReader, EmptyLinesCountOnlyBetweenRows) {
  EXPECT_THAT(rows_of("\na\n1\n\n2\n\n\n", kTsv, {{"a"}}),
              ElementsAre("3:1", "4!an empty line", "5:2"));
}

TEST(TableReader, NamesTheColumnsThatThereAre) {
  EXPECT_THAT(refusal("sentence\tlabel\nx\t1\n", kTsv, {{"sentense"}}),
              HasSubstr("no column 'sentense'; its columns are 'sentence', 'label'\n"
                        "  fix: did you mean 'sentence'?"));
  EXPECT_THAT(refusal("{\"body\": \"x\"}\n", kJson, {{"text"}}),
              HasSubstr("no column 'text'; its columns are 'body'"));
  EXPECT_THAT(refusal("a\tb\n", kNoHeader, {{Column::at(2)}}),
              HasSubstr("no column number 2; it has 2, numbered from 0"));
  EXPECT_THAT(refusal("a\tb\n", kNoHeader, {{"text"}}), HasSubstr("since it has no header"));
  EXPECT_THAT(refusal("a\ta\n1\t2\n", kTsv, {{"a"}}), HasSubstr("has two columns 'a'"));
  EXPECT_THAT(rows_of("text\nx\n", kTsv, {{"text"}, {"label", false}}), ElementsAre("2:x|"));
}

TEST(TableReader, AnEmptyFileIsRefused) {
  EXPECT_THAT(refusal("", kTsv, {{"a"}}), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal("\n\n", kTsv, {{"a"}}), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal("\n", kJson, {{"a"}}), HasSubstr("the file is empty"));
  EXPECT_THAT(rows_of("a\n", kTsv, {{"a"}}), IsEmpty());
}

TEST(TableReader, ReadsCompressedFiles) {
  const std::string text = "a\tb\n1\t2\n";
  EXPECT_THAT(rows_of(zstd_of(text), kTsv, {{"b"}}), ElementsAre("2:2"));
  EXPECT_THAT(rows_of(gzip_of(text), kTsv, {{"b"}}), ElementsAre("2:2"));
  EXPECT_EQ(table_format_of("x/train.tsv.zst"), TableFormat::kTsv);
  EXPECT_EQ(table_format_of("x/train.csv.gz"), TableFormat::kCsv);
  EXPECT_EQ(table_format_of("train.jsonl"), TableFormat::kJsonLines);
  EXPECT_EQ(table_format_of("X.CSV/Train.TSV"), TableFormat::kTsv);
  EXPECT_EQ(table_format_of("Train.Csv.GZ"), TableFormat::kCsv);
  EXPECT_EQ(table_format_of("TRAIN.JSONL"), TableFormat::kJsonLines);
  EXPECT_EQ(table_format_of("msr_paraphrase_test.txt"), TableFormat::kTsv);
}

TEST(TableReader, ANumberOfJsonHasOneText) {
  EXPECT_THAT(rows_of("{\"n\": 1}\n{\"n\": 1.0}\n{\"n\": 1e0}\n{\"n\": -0.0}\n{\"n\": 1.50}\n"
                      "{\"n\": 1000.0}\n{\"n\": 1e300}\n{\"n\": \"1.0\"}\n",
                      kJson, {{"n"}}),
              ElementsAre("1:1", "2:1", "3:1", "4:0", "5:1.5", "6:1000", "7:1e+300", "8:1.0"));
}

TEST(TableReader, DeepJsonIsARowThatCannotBeRead) {
  const std::string deep = "{\"n\": " + std::string(100'000, '[') + "\n";
  EXPECT_THAT(rows_of("{\"n\": 1}\n" + deep, kJson, {{"n"}}),
              ElementsAre("1:1", "2!is nested more than 100 levels deep"));
  EXPECT_THAT(refusal(deep, kJson, {{"n"}}), HasSubstr("table:1: is nested more than 100 levels"));
}

}  // namespace
}  // namespace linformer
