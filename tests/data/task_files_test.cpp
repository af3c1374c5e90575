#include "linformer/data/task_files.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "text/fixtures.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

/// A folder with empty files of these names.
class Files {
 public:
  explicit Files(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      std::filesystem::create_directories(std::filesystem::path(folder_.file(name)).parent_path());
      write_file(folder_.file(name), "");
    }
  }
  const std::string& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

TEST(TaskFiles, AreFoundFromTheRootAndFromTheTasksFolder) {
  const Files files({"glue/CoLA/train.tsv", "glue/CoLA/dev.tsv.zst", "glue/RTE/train.tsv"});
  for (const std::string root : {"", "/glue", "/glue/CoLA"}) {
    const TaskFiles found = find_task_files(find_task("cola"), files.path() + root);
    EXPECT_THAT(found.split("train").paths, ElementsAre(EndsWith("CoLA/train.tsv")));
    EXPECT_THAT(found.split("dev").paths, ElementsAre(EndsWith("CoLA/dev.tsv.zst")));
    EXPECT_FALSE(found.has("test"));
    EXPECT_THAT(message_of<UsageError>([&] { found.split("test"); }),
                HasSubstr("has no test file of CoLA\n  fix: put one there: test.tsv"));
  }
}

TEST(TaskFiles, MayBeWrittenInAnyCase) {
  const Files files({"RTE/TRAIN.TSV", "RTE/Dev.tsv.GZ", "RTE/test.tsv", "RTE/TEST.TSV"});
  const TaskFiles found = find_task_files(find_task("rte"), files.path());
  EXPECT_THAT(found.split("train").paths, ElementsAre(EndsWith("RTE/TRAIN.TSV")));
  EXPECT_THAT(found.split("dev").paths, ElementsAre(EndsWith("RTE/Dev.tsv.GZ")));
  EXPECT_THAT(found.split("test").paths, ElementsAre(EndsWith("RTE/test.tsv")));
}

TEST(TaskFiles, PartsStandInForTheWhole) {
  const Files files(
      {"QQP/train.part.tsv", "QQP/train.part2.tsv.zst", "QQP/dev.tsv", "QQP/dev.part.tsv"});
  const TaskFiles found = find_task_files(find_task("qqp"), files.path());
  EXPECT_THAT(found.split("train").paths,
              ElementsAre(EndsWith("train.part.tsv"), EndsWith("train.part2.tsv.zst")));
  EXPECT_TRUE(found.split("train").is_part);
  EXPECT_THAT(found.split("dev").paths, ElementsAre(EndsWith("QQP/dev.tsv")));
  EXPECT_FALSE(found.split("dev").is_part);
}

TEST(TaskFiles, MnliHasTwoDevSetsAndDiagnosticsBesideIt) {
  const Files files({"MNLI/train.tsv", "MNLI/dev_matched.tsv",
                     "MNLI/dev_mismatched.tokenized.part.tsv", "MNLI/diagnostic.tsv"});
  const TaskFiles found = find_task_files(find_task("mnli"), files.path());
  const auto dev = found.of_role(SplitRole::kDev);
  ASSERT_EQ(dev.size(), 2u);
  EXPECT_EQ(dev[0]->name, "dev_matched");
  EXPECT_EQ(dev[1]->name, "dev_mismatched");
  EXPECT_TRUE(dev[1]->is_part);
  EXPECT_THAT(find_task_files(find_task("ax"), files.path()).split("test").paths,
              ElementsAre(EndsWith("MNLI/diagnostic.tsv")));
}

TEST(TaskFiles, SaysWhatItLookedFor) {
  const Files files({"RTE/notes.txt"});
  EXPECT_THAT(message_of<UsageError>([&] { find_task_files(find_task("rte"), files.path()); }),
              HasSubstr("no file of RTE in it or in a folder RTE\n  fix: files may be called "
                        "train.tsv, train.part.tsv, train.part2.tsv, dev.tsv"));
  EXPECT_THAT(
      message_of<UsageError>([&] { find_task_files(find_task("rte"), files.path() + "/none"); }),
      HasSubstr("/none: no such folder"));
}

}  // namespace
}  // namespace linformer
