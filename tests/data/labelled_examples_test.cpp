#include "linformer/data/labelled_examples.h"

#include <cmath>
#include <filesystem>
#include <map>

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
using ::testing::Not;

/// A file of one split of a task, with this text.
LabelledExamples read(const std::string& task_name, const std::string& split,
                      const std::string& file, const std::string& text,
                      const ReadOptions& options = {}) {
  const TemporaryFolder folder;
  write_file(folder.file(file), text);
  const TaskSpec& task = find_task(task_name);
  return read_labelled_examples(find_task_files(task, folder.path()).split(split), task, options);
}

std::string refusal(const std::string& task, const std::string& text) {
  return message_of<Error>([&] { read(task, "train", "train.tsv", text); });
}

ReadOptions without_labels() {
  ReadOptions options;
  options.labels_required = false;
  return options;
}

TEST(LabelledExamples, ColaHasNoHeader) {
  const auto found =
      read("cola", "train", "train.tsv", "gj04\t1\t\tHe said \"no.\ngj04\t0\t*\tSaid he.\n");
  ASSERT_EQ(found.rows.size(), 2u);
  EXPECT_EQ(found.rows[0].a, "He said \"no.");
  EXPECT_FALSE(found.rows[0].b.has_value());
  EXPECT_EQ(found.rows[0].target, 1.0F);
  EXPECT_EQ(found.rows[0].id, "0");
  EXPECT_EQ(found.rows[1].target, 0.0F);
  EXPECT_EQ(found.rows[1].line, 2);
  EXPECT_TRUE(found.has_labels);
  EXPECT_THAT(found.targets(), ElementsAre(1.0F, 0.0F));
  EXPECT_THAT(found.label_counts(find_task("cola")), ElementsAre(1, 1));
  EXPECT_THAT(found.remarks(), IsEmpty());
}

TEST(LabelledExamples, ImdbsOwnFoldersHaveATextAFile) {
  const TemporaryFolder folder;
  for (const char* name : {"pos", "neg", "unsup"})
    std::filesystem::create_directories(folder.file("aclImdb/train/" + std::string(name)));
  write_file(folder.file("aclImdb/train/pos/1_9.txt"), "Fine.<br />Really.");
  write_file(folder.file("aclImdb/train/pos/0_7.txt"), "Good.");
  write_file(folder.file("aclImdb/train/pos/notes.md"), "no review");
  write_file(folder.file("aclImdb/train/neg/0_1.txt"), "Bad.");
  write_file(folder.file("aclImdb/train/unsup/0_0.txt"), "Who knows.");
  const TaskSpec& task = find_task("imdb");
  const TaskFiles files = find_task_files(task, folder.path());
  EXPECT_FALSE(files.has("test"));
  const auto found = read_labelled_examples(files.split("train"), task);
  ASSERT_EQ(found.rows.size(), 3u);
  EXPECT_EQ(found.rows[0].a, "Bad.");
  EXPECT_EQ(found.rows[0].id, "0_1");
  EXPECT_EQ(found.rows[1].a, "Good.");
  EXPECT_EQ(found.rows[2].a, "Fine.<br />Really.");
  EXPECT_EQ(found.rows[2].id, "1_9");
  EXPECT_THAT(found.targets(), ElementsAre(0.0F, 1.0F, 1.0F));

  write_file(folder.file("aclImdb/train/pos/2_8.txt"), " \n");
  EXPECT_THAT(message_of<RunError>([&] { read_labelled_examples(files.split("train"), task); }),
              AllOf(HasSubstr("pos/2_8.txt: the text is empty"), HasSubstr("1 of 4 rows")));
}

TEST(LabelledExamples, TextsOfFoldersMayBeCompressedAndNamedInAnyCase) {
  const TemporaryFolder folder;
  for (const char* name : {"pos", "neg"})
    std::filesystem::create_directories(folder.file("aclImdb/train/" + std::string(name)));
  write_file(folder.file("aclImdb/train/neg/A_1.TXT"), "Bad.");
  write_file(folder.file("aclImdb/train/neg/b_2.txt.gz"), gzip_of("\xEF\xBB\xBFWorse."));
  write_file(folder.file("aclImdb/train/pos/c.txt.txt"), "Good.");
  write_file(folder.file("aclImdb/train/pos/d_4.Txt.ZST"), zstd_of("Fine."));
  const TaskSpec& task = find_task("imdb");
  const auto found =
      read_labelled_examples(find_task_files(task, folder.path()).split("train"), task);
  std::vector<std::string> rows;
  for (const LabelledExample& row : found.rows) rows.push_back(row.id + "=" + row.a);
  EXPECT_THAT(rows, ElementsAre("A_1=Bad.", "b_2=Worse.", "c.txt=Good.", "d_4=Fine."));
}

TEST(LabelledExamples, WhatOperatingSystemsAddIsNoText) {
  const TemporaryFolder folder;
  for (const char* name : {"pos", "neg"})
    std::filesystem::create_directories(folder.file("aclImdb/train/" + std::string(name)));
  write_file(folder.file("aclImdb/train/pos/0_7.txt"), "\xEF\xBB\xBFGood.");
  write_file(folder.file("aclImdb/train/pos/._0_7.txt"), std::string("\0\5\26\7", 4));
  write_file(folder.file("aclImdb/train/pos/.DS_Store"), "x");
  write_file(folder.file("aclImdb/train/neg/0_1.txt"), "Bad.");
  write_file(folder.file("aclImdb/train/neg/Thumbs.db"), "x");
  const TaskSpec& task = find_task("imdb");
  const TaskFiles files = find_task_files(task, folder.path());
  const auto found = read_labelled_examples(files.split("train"), task);
  ASSERT_EQ(found.rows.size(), 2u);
  EXPECT_EQ(found.rows[0].a, "Bad.");
  EXPECT_EQ(found.rows[1].a, "Good.");
  EXPECT_THAT(found.remarks(), IsEmpty());
}

TEST(LabelledExamples, HalvesOfSurrogatePairsAreCounted) {
  const TemporaryFolder folder;
  write_file(folder.file("rows.jsonl"),
             "{\"sentence\": \"a \\ud83d\", \"label\": 1, \"score\": NaN}\n"
             "{\"sentence\": \"b\", \"label\": 0, \"score\": 1}\n");
  write_file(folder.file("._rows.jsonl"), std::string("\0\5\26\7", 4));
  TableLayout layout;
  layout.format_by_name = true;
  layout.a = Column("sentence");
  layout.label = Column("label");
  const auto found = read_labelled_examples(
      {folder.file("._rows.jsonl"), folder.file("rows.jsonl")}, layout, find_task("cola"), {});
  ASSERT_EQ(found.rows.size(), 2u);
  EXPECT_EQ(found.rows[0].a, "a \xEF\xBF\xBD");
  EXPECT_THAT(found.remarks(), ElementsAre("1 malformed UTF-8 sequences became U+FFFD"));
}

TEST(LabelledExamples, AFolderWithoutTextsIsRefusedByName) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.file("IMDB/train/positive"));
  const TaskSpec& task = find_task("imdb");
  const TaskFiles files = find_task_files(task, folder.path());
  EXPECT_THAT(message_of<UsageError>([&] { read_labelled_examples(files.split("train"), task); }),
              HasSubstr("IMDB/train: holds no text\n  fix: folders in it may be called negative, "
                        "neg, 0, positive, pos, 1"));
}

TEST(LabelledExamples, GluesTestFilesHaveNoLabels) {
  const auto cola =
      read("cola", "test", "test.tsv", "index\tsentence\n0\tA.\n1\tB.\n", without_labels());
  ASSERT_EQ(cola.rows.size(), 2u);
  EXPECT_FALSE(cola.has_labels);
  EXPECT_TRUE(std::isnan(cola.rows[1].target));
  EXPECT_FALSE(cola.rows[1].has_target());
  EXPECT_EQ(cola.rows[1].id, "1");
  const auto qqp =
      read("qqp", "test", "test.tsv", "id\tquestion1\tquestion2\n0\t\"Is \"\"it\"\"?\"\tWhat?\n",
           without_labels());
  EXPECT_EQ(qqp.rows[0].a, "Is \"it\"?");
  EXPECT_EQ(qqp.rows[0].b, "What?");
  const auto mrpc = read("mrpc", "test", "test.tsv",
                         "\xEF\xBB\xBFindex\t#1 ID\t#2 ID\t#1 String\t#2 String\n5\t1\t2\t\"a\tb\n",
                         without_labels());
  EXPECT_EQ(mrpc.rows[0].a, "\"a");
  EXPECT_EQ(mrpc.rows[0].id, "5");
}

TEST(LabelledExamples, MnliAsDistributedHasMoreColumns) {
  const auto found = read(
      "mnli", "train", "train.tsv",
      "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\t"
      "sentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
      "0\t31193\t31193n\tgovernment\tx\tx\tx\tx\tPremise.\tHypothesis.\tentailment\tneutral\n");
  EXPECT_EQ(found.rows[0].a, "Premise.");
  EXPECT_EQ(found.rows[0].b, "Hypothesis.");
  EXPECT_EQ(found.rows[0].target, 1.0F);  // the gold label, not the first annotator's
}

TEST(LabelledExamples, StsbTestOfThePublisherHasTwoWidths) {
  const auto found = read("sts-b", "test", "sts-test.original.tsv",
                          "main\tf\t2012\t1\t3\tA.\tB.\nmain\tf\t2012\t2\t4.5\tC.\tD.\tx\ty\n");
  ASSERT_EQ(found.rows.size(), 2u);
  EXPECT_EQ(found.rows[0].target, 3.0F);  // written without decimals
  EXPECT_EQ(found.rows[1].target, 4.5F);
  EXPECT_EQ(found.rows[1].b, "D.");
}

TEST(LabelledExamples, LabelsAreTakenFromCrLfFiles) {
  const auto found = read("ax", "test", "diagnostic-full.tsv",
                          "Logic\tPremise\tHypothesis\tLabel\r\n\tP.\tH.\tcontradiction\r\n");
  EXPECT_EQ(found.rows[0].target, 2.0F);
}

TEST(LabelledExamples, BadRowsAreCountedAndNamed) {
  std::string text = "sentence\tlabel\n";
  for (int i = 0; i < 40; ++i) text += "fine\t1\n";
  text += "no label\nbad\t7\n \t1\n";  // lines 42 to 44
  const auto found = read("sst-2", "train", "train.tsv", text);
  EXPECT_EQ(found.rows.size(), 40u);
  EXPECT_EQ(found.num_bad_rows, 3);
  ASSERT_EQ(found.bad_rows.size(), 3u);
  EXPECT_THAT(found.bad_rows[0].where, HasSubstr("train.tsv:42"));
  EXPECT_EQ(found.bad_rows[0].reason, "has 1 field, the header has 2");
  EXPECT_EQ(found.bad_rows[1].reason, "unknown label '7'; known are '0', '1'");
  EXPECT_EQ(found.bad_rows[2].reason, "the text is empty");
  EXPECT_THAT(found.remarks(), ElementsAre(HasSubstr(":42: left out, has 1 field"),
                                           HasSubstr(":43: left out"), HasSubstr(":44: left out")));
  // Three may be in 43 rows, four may not.
  EXPECT_THAT(refusal("sst-2", text + "bad\t8\n"),
              HasSubstr("train.tsv: 4 of 44 rows cannot be read (3 may be):\n"));
  EXPECT_THAT(refusal("sst-2", text + "bad\t8\n"), HasSubstr("train.tsv:45: unknown label '8'"));
  ReadOptions strict;
  strict.max_bad_share = 0.0;
  strict.free_bad_rows = 0;
  EXPECT_THAT(message_of<RunError>([&] { read("sst-2", "train", "train.tsv", text, strict); }),
              HasSubstr("3 of 43 rows cannot be read (0 may be)"));
}

TEST(LabelledExamples, FewRowsExcuseFewBadOnes) {
  // A tenth of 9 rows is none.
  std::string text = "sentence\tlabel\nbad\t7\n";
  for (int i = 0; i < 8; ++i) text += "fine\t1\n";
  EXPECT_THAT(refusal("sst-2", text), HasSubstr("1 of 9 rows cannot be read (0 may be)"));
  EXPECT_EQ(read("sst-2", "train", "train.tsv", text + "fine\t1\n").num_bad_rows, 1);
}

TEST(LabelledExamples, ScoresHaveARange) {
  const std::string header = "index\tsentence1\tsentence2\tscore\n";
  EXPECT_THAT(refusal("sts-b", header + "0\tA.\tB.\t5.5\n"),
              HasSubstr(":2: the score 5.5 is outside 0 to 5"));
  EXPECT_THAT(refusal("sts-b", header + "0\tA.\tB.\t3,5\n"),
              HasSubstr("the score '3,5' is not a number"));
  EXPECT_THAT(refusal("sts-b", header + "0\tA.\tB.\tnan\n"), HasSubstr("'nan' is not a number"));
  EXPECT_THAT(refusal("sts-b", header + "0\tA.\t\t5\n"), HasSubstr("the second text is empty"));
}

TEST(LabelledExamples, MalformedUtf8IsRepairedAndCounted) {
  const auto found = read("sst-2", "train", "train.tsv", "sentence\tlabel\ncaf\xE9\t1\n");
  EXPECT_EQ(found.rows[0].a, "caf\xEF\xBF\xBD");
  EXPECT_EQ(found.num_repaired, 1);
  EXPECT_EQ(found.num_bad_rows, 0);
  EXPECT_THAT(found.remarks(), ElementsAre(HasSubstr("1 malformed UTF-8")));
}

TEST(LabelledExamples, FilesWithoutRowsAndColumnsAreRefused) {
  EXPECT_THAT(refusal("sst-2", "sentence\tlabel\n"), HasSubstr("holds no row after its header"));
  EXPECT_THAT(refusal("sst-2", ""), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal("sst-2", "sentence\nx\n"), HasSubstr("no column 'label'"));
  EXPECT_THAT(refusal("sst-2", "text\tlabel\nx\t1\n"),
              HasSubstr("no column 'sentence'; its columns are 'text', 'label'"));
  // The files of another task.
  EXPECT_THAT(refusal("wnli", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n"),
              HasSubstr("unknown label 'entailment'; known are '0', '1'"));
}

TEST(LabelledExamples, FilesOfASplitAgreeAboutLabels) {
  const TemporaryFolder folder;
  write_file(folder.file("train.part.tsv"), "id\tquestion1\tquestion2\tis_duplicate\n3\ta\tb\t1\n");
  write_file(folder.file("train.part2.tsv"), "id\tquestion1\tquestion2\n4\tc\td\n");
  const TaskSpec& task = find_task("qqp");
  const SplitFiles files = find_task_files(task, folder.path()).split("train");
  EXPECT_THAT(message_of<RunError>([&] { read_labelled_examples(files, task, without_labels()); }),
              HasSubstr("train.part2.tsv: has no labels, unlike the files before"));
}

/// What ../shared/data/README.md counted in a split.
struct RealSplit {
  const char* task;
  const char* split;
  size_t rows;
  std::vector<int64_t> labels;  ///< in the order of the task's labels
};

class RealFiles : public ::testing::TestWithParam<RealSplit> {};

TEST_P(RealFiles, HaveTheRowsAndLabelsCounted) {
  const std::string root = LINFORMER_SHARED_DIR "/data";
  if (!std::filesystem::exists(root)) GTEST_SKIP() << "../shared/data is absent";
  const RealSplit& expected = GetParam();
  const TaskSpec& task = find_task(expected.task);
  ReadOptions strict;
  strict.labels_required = false;
  strict.max_bad_share = 0.0;
  strict.free_bad_rows = 0;
  const LabelledExamples found =
      read_labelled_examples(find_task_files(task, root).split(expected.split), task, strict);
  EXPECT_EQ(found.rows.size(), expected.rows);
  EXPECT_EQ(found.label_counts(task), expected.labels);
  EXPECT_EQ(found.num_repaired, 0);
  for (const LabelledExample& row : found.rows) {
    ASSERT_EQ(row.b.has_value(), task.is_pair());
    ASSERT_EQ(row.has_target(), found.has_labels);
    ASSERT_THAT(row.a, Not(HasSubstr("\n")));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shared, RealFiles,
    ::testing::Values(
        RealSplit{"cola", "train", 8551, {2528, 6023}}, RealSplit{"cola", "dev", 1043, {322, 721}},
        RealSplit{"sst-2", "train", 67349, {29780, 37569}},
        RealSplit{"sst-2", "dev", 872, {428, 444}}, RealSplit{"sst-2", "test", 1821, {912, 909}},
        RealSplit{"mrpc", "train", 3668, {1194, 2474}}, RealSplit{"mrpc", "dev", 408, {129, 279}},
        RealSplit{"mrpc", "test", 1725, {578, 1147}}, RealSplit{"sts-b", "train", 5749, {}},
        RealSplit{"sts-b", "dev", 1500, {}}, RealSplit{"sts-b", "test", 1379, {}},
        RealSplit{"qqp", "train", 23497 + 11199, {14750 + 7103, 8747 + 4096}},
        RealSplit{"qqp", "dev", 7600, {4871, 2729}},
        RealSplit{"mnli", "train", 13393, {4533, 4440, 4420}},
        RealSplit{"mnli", "dev_matched", 7469, {2681, 2353, 2435}},
        RealSplit{"mnli", "dev_mismatched", 1000, {346, 319, 335}},
        RealSplit{"qnli", "train", 10475, {5227, 5248}},
        RealSplit{"qnli", "dev", 5463, {2702, 2761}}, RealSplit{"rte", "train", 2490, {1249, 1241}},
        RealSplit{"rte", "dev", 277, {146, 131}}, RealSplit{"rte", "test", 3000, {}},
        RealSplit{"wnli", "train", 635, {323, 312}}, RealSplit{"wnli", "dev", 71, {40, 31}},
        RealSplit{"ax", "test", 1104, {460, 386, 258}},
        RealSplit{"imdb", "train", 25000, {12500, 12500}},
        RealSplit{"imdb", "test", 25000, {12500, 12500}},
        RealSplit{"hyperpartisan", "train", 645, {407, 238}}),
    [](const auto& param) {
      std::string name;
      for (const char letter : std::string(param.param.task) + "_" + param.param.split)
        if (letter != '-') name += letter;
      return name;
    });

TEST(RealScores, HaveTheMeansCounted) {
  const std::string root = LINFORMER_SHARED_DIR "/data";
  if (!std::filesystem::exists(root)) GTEST_SKIP() << "../shared/data is absent";
  const TaskSpec& task = find_task("sts-b");
  const TaskFiles files = find_task_files(task, root);
  for (const auto& [split, expected] :
       std::map<std::string, double>{{"train", 2.701}, {"dev", 2.364}, {"test", 2.608}}) {
    const LabelledExamples found = read_labelled_examples(files.split(split), task);
    double sum = 0.0;
    for (const LabelledExample& row : found.rows) sum += double{row.target};
    EXPECT_NEAR(sum / static_cast<double>(found.rows.size()), expected, 0.0005) << split;
  }
}

}  // namespace
}  // namespace linformer
