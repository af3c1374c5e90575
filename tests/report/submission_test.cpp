#include "linformer/report/submission.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

SubmissionSheet labels(const std::string& file, std::vector<std::string> predictions) {
  SubmissionSheet sheet;
  sheet.file = file + ".tsv";
  sheet.task = "task-" + file;
  sheet.split = "test";
  sheet.num_rows = 2;
  sheet.labels = {"not_entailment", "entailment"};
  sheet.filled = true;
  sheet.predictions = std::move(predictions);
  return sheet;
}

SubmissionSheet scores(std::vector<std::string> predictions) {
  SubmissionSheet sheet = labels("STS-B", std::move(predictions));
  sheet.num_rows = static_cast<int64_t>(sheet.predictions.size());
  sheet.labels.clear();
  sheet.max_score = 5.0;
  return sheet;
}

/// Name and content of each member, in the order of the archive, as libzip reads them.
std::vector<std::pair<std::string, std::string>> members(const std::string& path) {
  std::vector<std::pair<std::string, std::string>> found;
  int error = 0;
  zip_t* const archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &error);
  EXPECT_NE(archive, nullptr) << "zip error " << error;
  if (archive == nullptr) return found;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
    zip_stat_t status;
    EXPECT_EQ(zip_stat_index(archive, static_cast<zip_uint64_t>(i), 0, &status), 0);
    std::string content(status.size, '\0');
    zip_file_t* const file = zip_fopen_index(archive, static_cast<zip_uint64_t>(i), 0);
    EXPECT_EQ(zip_fread(file, content.data(), content.size()),
              static_cast<zip_int64_t>(content.size()));
    EXPECT_EQ(zip_fclose(file), 0);
    found.emplace_back(status.name, content);
  }
  zip_discard(archive);
  return found;
}

TEST(Submission, IsAnArchiveOfTables) {
  const TemporaryFolder folder;
  const std::string path = folder.file("glue.zip");
  const auto summary = write_submission(
      path, {labels("RTE", {"entailment", "not_entailment"}), scores({"-0.25", "5.5", "2.34549"})});
  EXPECT_THAT(summary.files, ElementsAre("RTE.tsv", "STS-B.tsv"));
  EXPECT_TRUE(summary.missing.empty());
  EXPECT_TRUE(summary.problems.empty());
  EXPECT_THAT(members(path),
              ElementsAre(Pair("RTE.tsv", "index\tprediction\n0\tentailment\n1\tnot_entailment\n"),
                          // clipped to [0, 5], three decimals
                          Pair("STS-B.tsv", "index\tprediction\n0\t0.000\n1\t5.000\n2\t2.345\n")));
}

TEST(Submission, IsTheSameBytesAgainAndReplacesAnOlderOne) {
  const TemporaryFolder folder;
  const std::vector<SubmissionSheet> sheets{labels("RTE", {"entailment", "entailment"})};
  write_submission(folder.file("a.zip"), {labels("WNLI", {"entailment", "entailment"})});
  write_submission(folder.file("a.zip"), sheets);
  write_submission(folder.file("b.zip"), sheets);
  EXPECT_EQ(read_text_file(folder.file("a.zip")), read_text_file(folder.file("b.zip")));
  EXPECT_THAT(members(folder.file("a.zip")), ElementsAre(Pair("RTE.tsv", ::testing::_)));
  // nothing but the two archives is left
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

TEST(Submission, ListsEverySheetThatIsMissingOrShort) {
  const TemporaryFolder folder;
  const std::string path = folder.file("glue.zip");
  SubmissionSheet missing = labels("WNLI", {});
  missing.filled = false;
  SubmissionSheet lacking = labels("RTE", {"entailment"});
  lacking.num_rows = 3000;
  lacking.source = "runs/rte/predictions/test.tsv";
  const std::vector<SubmissionSheet> sheets{labels("QNLI", {"entailment", "entailment"}), lacking,
                                            missing};
  EXPECT_THAT(message_of<RunError>([&] { write_submission(path, sheets); }),
              AllOf(HasSubstr("WNLI.tsv (task-WNLI, test): no predictions"),
                    HasSubstr("RTE.tsv (task-RTE, test): 1 rows, the server expects 3,000; "
                              "predictions of runs/rte/predictions/test.tsv"),
                    Not(HasSubstr("QNLI"))));
  EXPECT_FALSE(std::filesystem::exists(path));
  const SubmissionSummary partial = write_submission(path, sheets, {.allow_partial = true});
  EXPECT_THAT(partial.files, ElementsAre("QNLI.tsv", "RTE.tsv"));
  EXPECT_THAT(partial.missing, ElementsAre("WNLI.tsv"));
  EXPECT_THAT(partial.problems, ElementsAre(HasSubstr("the server expects 3,000")));
  EXPECT_EQ(members(path).size(), 2u);
  EXPECT_THAT(
      message_of<RunError>([&] { write_submission(path, {missing}, {.allow_partial = true}); }),
      HasSubstr("no prediction for any of its files"));
}

TEST(Submission, RefusesWhatTheServerDoesNotTake) {
  EXPECT_THAT(message_of<RunError>([] {
                submission_text(labels("RTE", {"entailment", "neutral"}));
              }),
              AllOf(HasSubstr("RTE.tsv, row 1: 'neutral' is not a label of RTE.tsv"),
                    HasSubstr("the server takes: not_entailment, entailment")));
  for (const char* text : {"", "good", "1.0x", "nan", "inf"}) {
    EXPECT_THAT(message_of<RunError>([&] { submission_text(scores({text})); }),
                HasSubstr("is not a number"))
        << text;
  }
}

TEST(Submission, NamesAFolderThatIsNotThere) {
  const TemporaryFolder folder;
  const std::string path = folder.file("none") + "/glue.zip";
  EXPECT_THAT(message_of<RunError>([&] {
                write_submission(path, {labels("RTE", {"entailment", "entailment"})});
              }),
              HasSubstr(path));
}

}  // namespace
}  // namespace linformer
