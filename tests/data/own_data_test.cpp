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

TEST_F(OwnDataTest, ASignDoesNotMakeATextOfANumber) {
  OwnData data;
  data.train = {file("a.tsv", "text\tlabel\na\t+1\nb\t-1\nc\t+10\nd\t+2\n")};
  EXPECT_THAT(own_task(data).task.label_names(), ElementsAre("-1", "+1", "+2", "+10"));
  data.kind = TaskKind::kRegression;
  EXPECT_THAT(train_of(data).targets(), ElementsAre(1.0F, -1.0F, 10.0F, 2.0F));
}

// JSON's parser and tables alike.
TEST_F(OwnDataTest, AScoreTooSmallForADoubleIsZero) {
  OwnData data;
  data.kind = TaskKind::kRegression;
  data.train = {file("a.tsv", "text\tlabel\na\t1e-400\nb\t-1e-9999\nc\t1\n")};
  EXPECT_THAT(train_of(data).targets(), ElementsAre(0.0F, 0.0F, 1.0F));
  data.train = {file("a.jsonl",
                     "{\"text\": \"a\", \"label\": 1e-400}\n{\"text\": \"b\", \"label\": "
                     "-1e-9999}\n{\"text\": \"c\", \"label\": 1}\n")};
  EXPECT_THAT(train_of(data).targets(), ElementsAre(0.0F, 0.0F, 1.0F));
  data.train = {file("b.tsv", "text\tlabel\na\t1e400\nb\t1\n")};
  EXPECT_THAT(refusal<RunError>(data), HasSubstr("the score 1e400 is outside -1e+18 to 1e+18"));
}

TEST_F(OwnDataTest, FewLabelsAreBlamedOnWhatIsWrong) {
  struct Case {
    std::string name;
    std::string rows;
    std::string message;
  };
  for (const Case& wrong : std::vector<Case>{
           {"a.tsv", "text\tlabel\na\t1\nb\t1\n", "all labels are '1'\n  fix: a classification"},
           {"b.tsv", "text\tlabel\na\t1\nb 0\nc 0\n",
            "all labels are '1'; 2 of 3 rows have none that can be read, the first "},
           {"c.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", \"label\": null}\n",
            "c.jsonl:2: \"label\" is null"},
           {"d.tsv", "text\tlabel\na\t1\nb\t\nc\t \n", "d.tsv:3: no label"},
           {"e.tsv", "text\tlabel\na\nb\n", "no label in the column 'label'; 2 of 2 rows"},
           {"f.tsv", "text\tlabel\n", "no row after the header"}}) {
    OwnData data;
    data.train = {file("._" + wrong.name, "rubbish"), file(wrong.name, wrong.rows)};
    const std::string said = refusal<RunError>(data);
    EXPECT_THAT(said, HasSubstr(wrong.message));
    EXPECT_THAT(said, HasSubstr("/" + wrong.name + ":"));
    EXPECT_THAT(said, ::testing::Not(HasSubstr("._"))) << said;
  }
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
  EXPECT_THAT(refusal<UsageError>(data), HasSubstr("accuracy is not a metric of a regression"));
}

TEST_F(OwnDataTest, WithoutHeaderColumnsAreNumbers) {
  OwnData data;
  data.header = false;
  data.train = {file("a.tsv", "1\tone\n0\ttwo\n")};
  data.text_column = "1";
  data.label_column = "0";
  EXPECT_THAT(train_of(data).targets(), ElementsAre(1.0F, 0.0F));
  data.label_column = "label";
  EXPECT_THAT(refusal<UsageError>(data), HasSubstr("'label' is not a number"));
}

TEST_F(OwnDataTest, RefusesWhatMakesNoTask) {
  OwnData data;
  data.train = {file("a.tsv", "text\tlabel\na\t1\nb\t1\n")};
  EXPECT_THAT(refusal<RunError>(data), HasSubstr("all labels are '1'"));
  data.label_column = "lable";
  EXPECT_THAT(refusal<UsageError>(data), HasSubstr("no column 'lable'; its columns are 'text', "
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
  OwnData control;
  control.train = {file("d.jsonl",
                        "{\"text\": \"a\", \"label\": \"x\\u0000y\"}\n"
                        "{\"text\": \"b\", \"label\": \"z\"}\n")};
  EXPECT_THAT(refusal<RunError>(control),
              HasSubstr("d.jsonl:1: the label 'x\\x00y' holds a control character\n  fix: "));
  control.labels = {"\x1B[1mx", "z"};
  EXPECT_THAT(refusal<UsageError>(control), HasSubstr("'\\x1B[1mx' holds a control character"));
  OwnData named = data;
  named.labels = {};
  for (const std::string name : {"caf\xE9", "a\tb", "a\x07z"}) {
    named.name = name;
    EXPECT_THAT(refusal<UsageError>(named), HasSubstr("task.name: '")) << name;
  }
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
