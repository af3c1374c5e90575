#include "linformer/data/finetune_rows.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FinetuneRowsTest : public ::testing::Test {
 protected:
  FinetuneRowsTest() { std::filesystem::create_directories(folder_.file("MNLI")); }

  std::string file(const std::string& name) const { return folder_.file(name); }

  /// Every other row has the label `other`, if there is one.
  void write(const std::string& name, const std::string& header, int rows, const std::string& label,
             const std::string& other = "") const {
    std::string text = header + "\n";
    for (int i = 0; i < rows; ++i) {
      text += std::to_string(i) + "\ttext " + name + " " + std::to_string(i) + "\tother\t" +
              (i % 2 == 1 && !other.empty() ? other : label) + "\n";
    }
    write_file_atomically(file(name), text);
  }

  TemporaryFolder folder_;
};

TEST_F(FinetuneRowsTest, MnliBringsBothItsDevSetsAndTheDiagnosticsAlong) {
  const std::string header = "index\tsentence1\tsentence2\tgold_label";
  write("MNLI/train.tsv", header, 6, "neutral", "entailment");
  write("MNLI/dev_matched.tsv", header, 3, "neutral");
  write("MNLI/dev_mismatched.tsv", header, 2, "entailment");
  write("MNLI/test_matched.tsv", "index\tsentence1\tsentence2\tgold", 4, "");
  TaskConfig config;
  config.name = "mnli";
  config.data = file("");
  FinetuneRows rows = read_finetune_rows(config);
  EXPECT_EQ(rows.train.size(), 6u);
  ASSERT_EQ(rows.valid.size(), 2u);
  EXPECT_EQ(rows.valid[0].name, "dev_matched");
  EXPECT_EQ(rows.valid[1].examples.size(), 2u);
  ASSERT_EQ(rows.test.size(), 1u);  // no diagnostics lie there
  EXPECT_TRUE(rows.test[0].targets().empty());
  std::filesystem::create_directories(file("AX"));
  write("AX/diagnostic.tsv", "index\tsentence1\tsentence2\tsomething", 5, "x");
  rows = read_finetune_rows(config);
  ASSERT_EQ(rows.test.size(), 2u);
  EXPECT_EQ(rows.test[1].name, "ax");
  EXPECT_EQ(rows.test[1].examples.size(), 5u);
  config.test = {"none"};
  rows = read_finetune_rows(config);
  EXPECT_TRUE(rows.test.empty());  // neither the test set nor the diagnostics
  EXPECT_EQ(rows.valid.size(), 2u);
}

TEST_F(FinetuneRowsTest, HoldsOutAPartOrAFoldOfTrain) {
  std::string text = "text,label\n";
  for (int i = 0; i < 50; ++i)
    text += "row " + std::to_string(i) + "," + (i % 2 ? "a" : "b") + "\n";
  write_file_atomically(file("own.csv"), text);
  TaskConfig config;
  config.name = "mine";
  config.text_column = "text";
  config.label_column = "label";
  config.train = {file("own.csv")};
  config.valid_share = 0.2;
  FinetuneRows rows = read_finetune_rows(config);
  EXPECT_THAT(rows.task.label_names(), ElementsAre("a", "b"));
  EXPECT_EQ(rows.valid.front().name, "held out of train");
  EXPECT_EQ(rows.valid.front().examples.size(), 10u);
  EXPECT_EQ(rows.train.size(), 40u);
  config.folds = 5;
  size_t held_out = 0;
  for (config.fold = 0; config.fold < 5; ++config.fold) {
    rows = read_finetune_rows(config);
    held_out += rows.valid.front().examples.size();
    EXPECT_EQ(rows.train.size() + rows.valid.front().examples.size(), 50u);
  }
  EXPECT_EQ(held_out, 50u);  // each row once
  config.fold = 4;
  EXPECT_EQ(rows.valid.front().name, "fold 4 of 5");
  for (config.max_train_rows = 2; config.max_train_rows < 40; ++config.max_train_rows) {
    rows = read_finetune_rows(config);
    EXPECT_EQ(static_cast<int64_t>(rows.train.size()), config.max_train_rows);
    EXPECT_TRUE(rows.train_is_part);
  }
}

TEST_F(FinetuneRowsTest, SaysWhatIsMissing) {
  TaskConfig config;
  config.name = "mnli";
  config.data = file("");
  const auto message = [&] { return message_of<Error>([&] { read_finetune_rows(config); }); };
  EXPECT_THAT(message(), AllOf(HasSubstr("MNLI"), HasSubstr("train")));
  config.name = "ax";
  EXPECT_THAT(message(), HasSubstr("fine-tune on mnli"));
  config.name = "mine";
  config.text_column = "text";
  EXPECT_THAT(message(), HasSubstr("task.label_column: is not set, the other one is"));
  // A row of a test set that cannot be read would leave a hole in the predictions.
  const std::string header = "index\tsentence1\tsentence2\tgold_label";
  write("MNLI/train.tsv", header, 6, "neutral", "entailment");
  write("MNLI/dev_matched.tsv", header, 3, "neutral");
  write_file_atomically(file("MNLI/test_matched.tsv"),
                        "index\tsentence1\tsentence2\n0\ta\tb\n1\tc\n");
  config = {};
  config.name = "mnli";
  config.data = file("");
  EXPECT_THAT(message(), HasSubstr("test_matched.tsv:3"));
}

TEST_F(FinetuneRowsTest, RefusesToLearnFromOneLabelAlone) {
  const std::string header = "index\tsentence1\tsentence2\tgold_label";
  write("MNLI/train.tsv", header, 6, "neutral");
  write("MNLI/dev_matched.tsv", header, 3, "neutral");
  write("MNLI/dev_mismatched.tsv", header, 3, "neutral");
  TaskConfig config;
  config.name = "mnli";
  config.data = file("");
  EXPECT_THAT(message_of<RunError>([&] { read_finetune_rows(config); }),
              HasSubstr("all 6 rows to learn from have the label neutral"));
}

}  // namespace
}  // namespace linformer
