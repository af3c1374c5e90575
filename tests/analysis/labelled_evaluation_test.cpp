#include "linformer/analysis/labelled_evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/analysis/text_prediction.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ModelConfig tiny() {
  ModelConfig config;
  config.vocab_size = 1000;
  config.hidden_size = 8;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = 32;
  config.initializer_range = 0.5;
  config.attention.projected_length = 4;
  return config;
}

HeadConfig classes(std::vector<std::string> labels) {
  return {HeadType::kClassification, std::move(labels)};
}

TEST(MatchLabels, ByNameInAnyOrderAndCase) {
  const TaskSpec& mnli = find_task("mnli");
  const std::vector<std::string> names = mnli.label_names();
  ASSERT_THAT(names, SizeIs(3));
  EXPECT_THAT(match_labels(mnli, classes(names), {}, "m"), ElementsAre(0, 1, 2));
  EXPECT_THAT(match_labels(mnli, classes({names[2], names[0], names[1]}), {}, "m"),
              ElementsAre(1, 2, 0));
  EXPECT_THAT(match_labels(find_task("sst-2"), classes({"POSITIVE", "NEGATIVE"}), {}, "m"),
              ElementsAre(1, 0));
  EXPECT_THAT(match_labels(find_task("sst-2"), classes({"LABEL_0", "LABEL_1"}), {"0", "1"}, "m"),
              ElementsAre(0, 1));
  EXPECT_THAT(match_labels(find_task("sts-b"), {HeadType::kRegression, {}}, {}, "m"), IsEmpty());
}

TEST(MatchLabels, RefusesAnotherKindOfModel) {
  const auto refusal = [](const char* task, const HeadConfig& head) {
    return message_of<RunError>([&] { match_labels(find_task(task), head, {}, "runs/x"); });
  };
  EXPECT_THAT(
      refusal("sst-2", classes({"entailment", "neutral", "contradiction"})),
      AllOf(HasSubstr("runs/x: the model has 3 labels (entailment, neutral, contradiction)"),
            HasSubstr("task sst-2 has 2 (0, 1)")));
  EXPECT_THAT(refusal("rte", classes({"LABEL_0", "LABEL_1"})),
              AllOf(HasSubstr("LABEL_0, LABEL_1"), HasSubstr("--labels")));
  EXPECT_THAT(refusal("sst-2", {HeadType::kRegression, {}}),
              HasSubstr("is a model for regression, task sst-2 is a classification"));
  EXPECT_THAT(refusal("sts-b", classes({"0", "1"})),
              HasSubstr("is a model for classification, task sts-b is a regression"));
  EXPECT_THAT(message_of<UsageError>([] {
                match_labels(find_task("rte"), classes({"a", "b"}), {"entailment"}, "m");
              }),
              HasSubstr("1 names, the model has 2 outputs"));
}

TEST(LabelledFile, IsLaidOutAsItsNameSays) {
  const TaskSpec& cola = find_task("cola");
  EXPECT_FALSE(labelled_file(cola, "x/CoLA/dev.tsv").layout.table.header);
  for (const char* name : {"test.tsv.zst", "test.TSV", "Test.tsv.GZ", "TEST.TSV"}) {
    EXPECT_TRUE(labelled_file(cola, std::string("x/CoLA/") + name).layout.table.header) << name;
  }
  EXPECT_FALSE(labelled_file(cola, "mine.tsv").layout.table.header);  // as dev
  const TaskSpec& ax = find_task("ax");
  EXPECT_EQ(labelled_file(ax, "diagnostic-full.tsv").layout.a, Column("Premise"));
  EXPECT_EQ(labelled_file(ax, "diagnostic.tsv").layout.a, Column("sentence1"));
  EXPECT_TRUE(labelled_file(find_task("mnli"), "dev_mismatched.tokenized.part.tsv.zst").is_part);
}

class EvaluateLabelledFile : public ::testing::Test {
 protected:
  LabelledEvaluation evaluate(const Model& model, const std::string& text,
                              const TaskSpec& task = find_task("sst-2"),
                              bool labels_required = true) const {
    write_file(folder_.file("dev.tsv"), text);
    LabelledEvaluationOptions options;
    options.output_of_label = match_labels(task, model.head_config(), {}, "m");
    options.max_sequence_length = 32;
    options.batch_size = 2;
    options.max_bad_share = 0.2;
    options.labels_required = labels_required;
    return evaluate_labelled_file(model, unigram_tokenizer(), task,
                                  labelled_file(task, folder_.file("dev.tsv")), options);
  }

  TemporaryFolder folder_;
};

const std::string kRows =
    "sentence\tlabel\na warm film\t1\nbad\t0\nlong and dull and long\t0\na\tmaybe\n"
    "a fine day\tpositive\nno\t0\n";

TEST_F(EvaluateLabelledFile, CountsWhatTheModelPredicts) {
  const Model model(tiny(), classes({"0", "1"}), 3);
  const LabelledEvaluation result = evaluate(model, kRows);
  // the fifth line has a label that the task has not
  ASSERT_THAT(result.examples.rows, SizeIs(5));
  EXPECT_EQ(result.examples.num_bad_rows, 1);
  EXPECT_THAT(result.examples.bad_rows.at(0).where, HasSubstr("dev.tsv:5"));
  // the same rows one by one
  const TextClassifier classifier(std::make_unique<Model>(tiny(), classes({"0", "1"}), 3));
  const std::vector<int64_t> targets{1, 0, 0, 1, 0};
  std::vector<std::vector<int64_t>> confusion{{0, 0}, {0, 0}};
  for (size_t row = 0; row < 5; ++row) {
    const InputRow input =
        encode_texts(unigram_tokenizer(), result.examples.rows[row].a, nullptr, 0);
    const std::vector<float> logits = classifier.predict({&input, 1}).at(0);
    for (size_t o = 0; o < 2; ++o) {
      EXPECT_NEAR(result.outputs.values[2 * row + o], logits[o], 1e-5);
    }
    ++confusion[static_cast<size_t>(targets[row])][logits[1] > logits[0] ? 1 : 0];
  }
  EXPECT_EQ(result.confusion, confusion);
  ASSERT_TRUE(result.measures);
  EXPECT_EQ(result.measures->metrics.at(0).name, "accuracy");
  EXPECT_EQ(result.measures->metrics.at(0).value,
            static_cast<double>(confusion[0][0] + confusion[1][1]) / 5.0);
  EXPECT_EQ(result.measures->majority, 0.6);  // 3 of 5 are negative
}

TEST_F(EvaluateLabelledFile, OutputsFollowTheirNames) {
  // The same weights; only the names of the outputs are exchanged.
  const LabelledEvaluation plain = evaluate(Model(tiny(), classes({"0", "1"}), 3), kRows);
  const LabelledEvaluation exchanged = evaluate(Model(tiny(), classes({"1", "0"}), 3), kRows);
  for (size_t row = 0; row < 5; ++row) {
    EXPECT_EQ(plain.outputs.values[2 * row], exchanged.outputs.values[2 * row + 1]);
    EXPECT_EQ(plain.outputs.values[2 * row + 1], exchanged.outputs.values[2 * row]);
  }
}

TEST_F(EvaluateLabelledFile, WithoutLabelsThereArePredictions) {
  const Model model(tiny(), classes({"0", "1"}), 3);
  const std::string rows = "index\tsentence\n7\ta warm film\n8\tbad\n";
  const LabelledEvaluation result = evaluate(model, rows, find_task("sst-2"), false);
  EXPECT_FALSE(result.measures);
  EXPECT_EQ(result.outputs.num_rows(), 2);
  EXPECT_THAT(message_of<UsageError>([&] { evaluate(model, rows); }), HasSubstr("label"));
  std::string bad = rows;
  for (int i = 0; i < 20; ++i) bad += "9\tx\n";
  EXPECT_THAT(
      message_of<RunError>([&] { evaluate(model, bad + "10\t \n", find_task("sst-2"), false); }),
      AllOf(HasSubstr("dev.tsv:24"), HasSubstr("every row of a test set")));
}

TEST_F(EvaluateLabelledFile, RefusesFilesThatDoNotFit) {
  const Model model(tiny(), classes({"0", "1"}), 3);
  const auto refusal = [&](const std::string& text) {
    return message_of<Error>([&] { evaluate(model, text); });
  };
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal("sentence\tlabel\n"), HasSubstr("holds no row"));
  EXPECT_THAT(refusal("text\tlabel\na\t1\n"), AllOf(HasSubstr("sentence"), HasSubstr("text")));
  EXPECT_THAT(refusal("sentence\tlabel\na\tyes\nb\tno\n"), HasSubstr("unknown label 'yes'"));
}

TEST(MatchLabels, ExactNamesGoBeforeThoseThatDifferByCase) {
  const auto match = [](const std::vector<std::string>& labels,
                        const std::vector<std::string>& outputs) {
    TaskSpec task;
    task.name = "own";
    for (const std::string& label : labels) task.labels.push_back({label});
    return match_labels(task, classes(outputs), {}, "m");
  };
  EXPECT_THAT(match({"US", "us"}, {"US", "us"}), ElementsAre(0, 1));
  EXPECT_THAT(match({"us", "US"}, {"US", "us"}), ElementsAre(1, 0));
  EXPECT_THAT(match({"US", "us", "Us"}, {"us", "Us", "US"}), ElementsAre(2, 0, 1));
  // What is left over may differ by case or by blanks around it.
  EXPECT_THAT(match({"Us", "us", "other"}, {"US", "us", " Other"}), ElementsAre(0, 1, 2));
  // Names that do not pair one to one are refused, never taken for the first that looks alike.
  const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> refused{
      {{"US", "us"}, {"Us", "x"}},
      {{"Us", "x"}, {"US", "us"}},
      {{"a", "b"}, {"a", "a"}},
      {{"a", "A"}, {"a", "a"}},
  };
  for (const auto& [labels, outputs] : refused) {
    EXPECT_THAT(message_of<RunError>([&] { match(labels, outputs); }),
                HasSubstr("do not pair one to one"))
        << labels[0] << " " << outputs[0];
  }
}

}  // namespace
}  // namespace linformer
