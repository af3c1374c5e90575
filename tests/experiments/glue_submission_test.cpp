#include "linformer/experiments/glue_submission.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(GlueSheets, AreTheElevenOfTheLeaderboard) {
  // names of the server, and the rows of its test sets
  const std::map<std::string, int64_t> expected{
      {"CoLA.tsv", 1063},   {"SST-2.tsv", 1821},   {"MRPC.tsv", 1725}, {"STS-B.tsv", 1379},
      {"MNLI-m.tsv", 9796}, {"MNLI-mm.tsv", 9847}, {"QNLI.tsv", 5463}, {"QQP.tsv", 390965},
      {"RTE.tsv", 3000},    {"WNLI.tsv", 146},     {"AX.tsv", 1104}};
  std::map<std::string, int64_t> found;
  for (const SubmissionSheet& sheet : glue_sheets()) found[sheet.file] = sheet.num_rows;
  EXPECT_EQ(found, expected);
  EXPECT_EQ(glue_sheets().size(), 11u);
}

TEST(GlueSheets, HaveTheLabelsOfTheServer) {
  std::vector<SubmissionSheet> sheets = glue_sheets();
  for (const char* task : {"qnli", "rte"}) {
    EXPECT_THAT(find_sheet(sheets, task, "test").labels,
                ::testing::UnorderedElementsAre("entailment", "not_entailment"));
  }
  for (const auto& [task, split] :
       {std::pair{"mnli", "test_mismatched"}, std::pair{"ax", "test"}}) {
    EXPECT_THAT(find_sheet(sheets, task, split).labels,
                ::testing::UnorderedElementsAre("entailment", "neutral", "contradiction"));
  }
  for (const char* task : {"cola", "sst-2", "mrpc", "qqp", "wnli"}) {
    EXPECT_THAT(find_sheet(sheets, task, "test").labels, ElementsAre("0", "1"));
  }
  const SubmissionSheet& scores = find_sheet(sheets, "sts-b", "test");
  EXPECT_TRUE(scores.labels.empty());
  EXPECT_EQ(scores.min_score, 0.0);
  EXPECT_EQ(scores.max_score, 5.0);
  EXPECT_THAT(message_of<UsageError>([&] { find_sheet(sheets, "imdb", "test"); }),
              HasSubstr("no file for imdb test"));
}

TEST(GlueSheets, AreFilledFromTablesOfPredictions) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("test.tsv"),
                        "id\tlabel\tprediction\tp(0)\tp(1)\n7\t\t1\t0.2\t0.8\n9\t\t0\t0.7\t0.3\n");
  std::vector<SubmissionSheet> sheets = glue_sheets();
  SubmissionSheet& sheet = find_sheet(sheets, "wnli", "test");
  EXPECT_FALSE(sheet.filled);
  fill_sheet(sheet, folder.file("test.tsv"));
  EXPECT_TRUE(sheet.filled);
  EXPECT_EQ(submission_text(sheet), "index\tprediction\n0\t1\n1\t0\n");
  write_file_atomically(folder.file("bad.tsv"), "id\tprediction\n7\t1\n8\t\n");
  EXPECT_THAT(message_of<RunError>([&] { fill_sheet(sheet, folder.file("bad.tsv")); }),
              HasSubstr("bad.tsv:3: the prediction is empty"));
  write_file_atomically(folder.file("other.tsv"), "id\tguess\n7\t1\n");
  EXPECT_THAT(message_of<UsageError>([&] { fill_sheet(sheet, folder.file("other.tsv")); }),
              HasSubstr("prediction"));
}

}  // namespace
}  // namespace linformer
