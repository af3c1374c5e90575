#include "linformer/objectives/task_evaluator.h"

#include <cmath>
#include <csignal>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"
#include "linformer/objectives/classification_loss.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TaskSpec two_classes() {
  TaskSpec task;
  task.name = "mood";
  task.labels = {{"bad"}, {"good"}};
  task.metrics = {Metric::kAccuracy, Metric::kF1};
  return task;
}

TEST(MeasureTask, ClassesByHand) {
  TaskOutputs outputs;
  outputs.num_outputs = 2;
  // Scores with odds 1 : 3, 1 : 1 and 4 : 1.
  outputs.values = {0.0F, std::log(3.0F), 1.0F, 1.0F, std::log(4.0F), 0.0F};
  EXPECT_THAT(outputs.predictions(TaskKind::kClassification), ElementsAre(1.0F, 0.0F, 0.0F));
  EXPECT_NEAR(outputs.probabilities(0)[1], 0.75, 1e-6);
  EXPECT_NEAR(outputs.probabilities(2)[0], 0.8, 1e-6);
  const std::vector<float> targets{1, 1, 0};
  const TaskMeasures measures = measure_task(two_classes(), outputs, targets);
  // Right: rows 0 and 2. F1 of class 1: 2 * 1 / (2 * 1 + 0 + 1).
  EXPECT_NEAR(measures.metrics[0].value, 2.0 / 3.0, 1e-12);
  EXPECT_NEAR(measures.metrics[1].value, 2.0 / 3.0, 1e-12);
  EXPECT_NEAR(measures.loss, -(std::log(0.75) + std::log(0.5) + std::log(0.8)) / 3.0, 1e-6);
  EXPECT_NEAR(measures.majority, 2.0 / 3.0, 1e-12);
  const std::vector<float> unknown{1, NAN, 0};
  EXPECT_THAT(message_of<RunError>([&] { measure_task(two_classes(), outputs, unknown); }),
              HasSubstr("row 1 has no label"));
}

TEST(MeasureTask, ScoresAreClippedForTheMetricsAlone) {
  TaskSpec task;
  task.kind = TaskKind::kRegression;
  task.max_score = 5.0;
  task.metrics = {Metric::kPearson};
  TaskOutputs outputs;
  outputs.values = {-3.0F, 2.0F, 9.0F};
  const std::vector<float> targets{0, 2, 5};
  const TaskMeasures measures = measure_task(task, outputs, targets);
  // Clipped to 0, 2, 5 the scores are the targets; the loss is (9 + 0 + 16) / 3.
  EXPECT_NEAR(measures.metrics[0].value, 1.0, 1e-9);
  EXPECT_NEAR(measures.loss, 25.0 / 3.0, 1e-6);
  EXPECT_TRUE(std::isnan(measures.majority));
}

class TaskOutputsTest : public ::testing::Test {
 protected:
  TaskOutputsTest() {
    for (int i = 0; i < 11; ++i) {
      LabelledExample example;
      for (int w = 0; w <= (i * 5) % 7; ++w) example.a += "river ";
      example.a += std::to_string(i);
      example.target = static_cast<float>(i % 2);
      example.line = i + 2;
      example.id = std::to_string(i);
      examples_.push_back(example);
    }
    ModelConfig config;
    config.vocab_size = unigram_tokenizer().vocab_size();
    config.hidden_size = 16;
    config.num_hidden_layers = 1;
    config.num_attention_heads = 2;
    config.intermediate_size = 16;
    config.max_sequence_length = 32;
    config.initializer_range = 0.3;
    config.attention.projected_length = 8;
    model_ =
        std::make_unique<Model>(config, HeadConfig{HeadType::kClassification, {"bad", "good"}}, 5);
    LabelledDatasetOptions options;
    options.max_sequence_length = 32;
    set_ = std::make_unique<LabelledDataset>(examples_, unigram_tokenizer(), options);
  }
  ~TaskOutputsTest() override { set_stop_signal(0); }

  std::vector<LabelledExample> examples_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<LabelledDataset> set_;
};

TEST_F(TaskOutputsTest, AreThoseOfEachRowAloneInTheOrderOfTheFile) {
  const TaskOutputs outputs = task_outputs(*model_, *set_, {.batch_size = 4});
  ASSERT_EQ(outputs.num_rows(), 11);
  LabelledDatasetOptions options;
  options.max_sequence_length = 32;
  for (size_t i = 0; i < examples_.size(); ++i) {
    const LabelledDataset alone({&examples_[i], 1}, unigram_tokenizer(), options);
    const at::Tensor logits = classification_logits(*model_, alone.evaluation_batch(0, 1));
    for (int c = 0; c < 2; ++c) {
      EXPECT_NEAR(outputs.values[2 * i + static_cast<size_t>(c)], logits[0][c].item<float>(), 1e-5);
    }
  }
  // Two processes do every other batch; together they are one.
  const TaskOutputs even = task_outputs(*model_, *set_, {4, 0, 2});
  const TaskOutputs odd = task_outputs(*model_, *set_, {4, 1, 2});
  for (size_t i = 0; i < outputs.values.size(); ++i) {
    EXPECT_EQ(even.values[i] + odd.values[i], outputs.values[i]);
    EXPECT_TRUE(even.values[i] == 0.0F || odd.values[i] == 0.0F);
  }
  const PredictionTable table = prediction_table(two_classes(), examples_, outputs);
  EXPECT_EQ(table.rows[3].line, 5);
  EXPECT_EQ(table.rows[3].label, "good");
  EXPECT_EQ(table.rows[3].prediction == "good",
            outputs.predictions(TaskKind::kClassification)[3] == 1.0F);
}

TEST_F(TaskOutputsTest, AStopSignalCutsThemShort) {
  set_stop_signal(SIGTERM);
  EXPECT_FALSE(task_outputs(*model_, *set_, {}).complete);
}

}  // namespace
}  // namespace linformer
