#include "linformer/data/own_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "text/fixtures.h"

#include "linformer/core/error.h"
#include "linformer/data/labelled_examples.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OwnDataTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) const {
    write_file(folder_.file(name), text);
    return folder_.file(name);
  }
  static LabelledExamples train_of(const OwnData& data) {
    const TaskFiles files = own_task(data);
    return read_labelled_examples(files.split("train"), files.task);
  }
  template <class E>
  static std::string refusal(const OwnData& data) {
    return message_of<E>([&] { train_of(data); });
  }

  TemporaryFolder folder_;
};

TEST_F(OwnDataTest, LabelsAreThoseOfTheTrainingFiles) {
  OwnData data;
  data.train = {file("a.csv", "text,label\n\"x, y\",spam\nz,ham\n"),
                file("b.jsonl", "{\"text\": \"w\", \"label\": \"spam\"}\n")};
  data.dev = {file("dev.tsv", "label\ttext\nham\tv\n")};
  const TaskFiles files = own_task(data);
  EXPECT_THAT(files.task.label_names(), ElementsAre("ham", "spam"));
  EXPECT_EQ(files.task.dev_source, DevSource::kFile);
  EXPECT_THAT(files.task.metrics, ElementsAre(Metric::kAccuracy, Metric::kF1, Metric::kMcc));
  const LabelledExamples train = read_labelled_examples(files.split("train"), files.task);
  ASSERT_EQ(train.rows.size(), 3u);
  EXPECT_EQ(train.rows[0].a, "x, y");
  EXPECT_THAT(train.targets(), ElementsAre(1.0F, 0.0F, 1.0F));
  EXPECT_EQ(read_labelled_examples(files.split("dev"), files.task).rows[0].target, 0.0F);
}

TEST_F(OwnDataTest, NumbersAreSortedAsNumbers) {
  OwnData data;
  data.train = {file("a.tsv", "text\tlabel\na\t10\nb\t9\nc\t2\n")};
  const TaskFiles files = own_task(data);
  EXPECT_THAT(files.task.label_names(), ElementsAre("2", "9", "10"));
  EXPECT_THAT(files.task.metrics, ElementsAre(Metric::kAccuracy, Metric::kMacroF1, Metric::kMcc));
  EXPECT_EQ(files.task.dev_source, DevSource::kHeldOut);
}

TEST_F(OwnDataTest, GivenLabelsKeepTheirOrder) {
  OwnData data;
  data.train = {file("a.tsv", "text\tlabel\na\tlow\nb\thigh\n")};
  data.labels = {"low", "medium", "high"};
  EXPECT_THAT(train_of(data).targets(), ElementsAre(0.0F, 2.0F));
  data.labels = {"low", "medium"};
  EXPECT_THAT(refusal<RunError>(data),
              HasSubstr("a.tsv:3: unknown label 'high'; known are 'low', 'medium'"));
}

TEST_F(OwnDataTest, PairsAndScores) {
  OwnData data;
  data.train = {file("a.tsv", "q1\tq2\tscore\tkey\na\tb\t-2.5\tk7\nc\td\t1e3\tk8\n")};
  data.text_column = "q1";
  data.pair_column = "q2";
  data.label_column = "score";
  data.id_column = "key";
  data.kind = TaskKind::kRegression;
  const LabelledExamples train = train_of(data);
  EXPECT_EQ(train.rows[1].b, "d");
  EXPECT_EQ(train.rows[1].id, "k8");
  EXPECT_THAT(train.targets(), ElementsAre(-2.5F, 1000.0F));
  data.metrics = {Metric::kAccuracy};
  EXPECT_THAT(refusal<UsageError>(data), HasSubstr("accuracy is no metric of a regression"));
}

TEST_F(OwnDataTest, WithoutHeaderColumnsAreNumbers) {
  OwnData data;
  data.header = false;
  data.train = {file("a.tsv", "1\tone\n0\ttwo\n")};
  data.text_column = "1";
  data.label_column = "0";
  EXPECT_THAT(train_of(data).targets(), ElementsAre(1.0F, 0.0F));
  data.label_column = "label";
  EXPECT_THAT(refusal<UsageError>(data), HasSubstr("'label' is no number"));
}

TEST_F(OwnDataTest, RefusesWhatMakesNoTask) {
  OwnData data;
  data.train = {file("a.tsv", "text\tlabel\na\t1\nb\t1\n")};
  EXPECT_THAT(refusal<RunError>(data), HasSubstr("all labels are '1'"));
  data.label_column = "lable";
  EXPECT_THAT(refusal<RunError>(data), HasSubstr("no column 'lable'; its columns are 'text', "
                                                 "'label'\n  fix: did you mean 'label'?"));
  std::string many = "text\tlabel\n";
  for (int i = 0; i < 1001; ++i) many += "a\t" + std::to_string(i) + "\n";
  data.label_column = "label";
  data.train = {file("b.tsv", many)};
  EXPECT_THAT(refusal<RunError>(data), HasSubstr("more than 1,000 different labels"));
  data.labels = {"0", "0"};
  EXPECT_THAT(refusal<UsageError>(data), HasSubstr("two different labels"));
  data.labels = {"0", "1", "2"};
  data.metrics = {Metric::kF1};
  EXPECT_THAT(refusal<UsageError>(data), HasSubstr("choose macro_f1"));
  EXPECT_THAT(refusal<UsageError>({}), HasSubstr("has no file"));
  data.kind = TaskKind::kRegression;
  EXPECT_THAT(refusal<UsageError>(data), HasSubstr("a regression has scores"));
}

TEST_F(OwnDataTest, LabelsAreTextsThatFilesCanHold) {
  // Every reader of labels cuts off the same: one class, not two.
  OwnData data;
  data.train = {file("a.csv", "text,label\na,\"\tspam\t\"\nb,spam\nc, ham \n")};
  EXPECT_THAT(own_task(data).task.label_names(), ElementsAre("ham", "spam"));
  EXPECT_THAT(train_of(data).targets(), ElementsAre(1.0F, 1.0F, 0.0F));
  data.labels = {" spam", "ham\n"};
  EXPECT_THAT(train_of(data).targets(), ElementsAre(0.0F, 0.0F, 1.0F));
  data.labels = {"spam", " spam"};
  EXPECT_THAT(refusal<UsageError>(data), HasSubstr("two different labels"));
  data.labels = {"spam", "caf\xE9"};
  EXPECT_THAT(refusal<UsageError>(data), HasSubstr("the label 'caf\\xE9' is not UTF-8"));

  OwnData latin;
  latin.train = {file("b.tsv", "text\tlabel\na\tth\xE9\nb\tcaf\xE9\nc\tth\xE9\n")};
  EXPECT_THAT(refusal<RunError>(latin), HasSubstr("b.tsv:2: the label 'th\\xE9' is not UTF-8"));
  OwnData line_end;
  line_end.train = {file("c.csv", "text,label\na,\"x\ny\"\nb,z\n")};
  EXPECT_THAT(refusal<RunError>(line_end), HasSubstr("c.csv:2: the label"));
  OwnData named = data;
  named.labels = {};
  named.name = "caf\xE9";
  EXPECT_THAT(refusal<UsageError>(named), HasSubstr("task.name"));
}

TEST_F(OwnDataTest, JsonNumbersAreOneLabelHoweverWritten) {
  OwnData data;
  data.train = {file("a.jsonl",
                     "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": 1.0}\n"
                     "{\"text\": \"c\", \"label\": 0}\n")};
  EXPECT_THAT(own_task(data).task.label_names(), ElementsAre("0", "1"));
  EXPECT_THAT(train_of(data).targets(), ElementsAre(1.0F, 1.0F, 0.0F));
}

TEST_F(OwnDataTest, ScoresFitSinglePrecision) {
  for (const char* score : {"1e39", "-1e39", "1e300", "1e19", "1e999", "inf", "nan"}) {
    OwnData data;
    data.kind = TaskKind::kRegression;
    data.train = {file("a.tsv", std::string("text\tlabel\na\t1\nb\t") + score + "\n")};
    EXPECT_THAT(refusal<RunError>(data), HasSubstr("a.tsv:3: the score")) << score;
  }
}

}  // namespace
}  // namespace linformer
