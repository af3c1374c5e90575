#include "linformer/baselines/bag_of_words.h"

#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"
#include "linformer/core/random.h"
#include "linformer/data/task_files.h"
#include "linformer/metrics/task_metrics.h"

namespace linformer {
namespace {

/// Texts of ten random words, one of them "good" or "bad": the class.
std::vector<LabelledExample> toy_examples(int64_t count, uint64_t key) {
  RandomStream random(RandomPurpose::kTest, {key});
  std::vector<LabelledExample> examples;
  for (int64_t i = 0; i < count; ++i) {
    LabelledExample example;
    const uint64_t label = random.below(2);
    const uint64_t place = random.below(10);
    for (uint64_t w = 0; w < 10; ++w) {
      if (w == place) {
        example.a += label == 1 ? "good " : "bad ";
      } else {
        example.a += "word" + std::to_string(random.below(50)) + " ";
      }
    }
    example.target = static_cast<float>(label);
    examples.push_back(example);
  }
  return examples;
}

std::vector<float> targets_of(const std::vector<LabelledExample>& examples) {
  std::vector<float> targets;
  for (const LabelledExample& example : examples) targets.push_back(example.target);
  return targets;
}

double first_metric(const TaskSpec& task, const std::vector<float>& predictions,
                    const std::vector<float>& targets) {
  return metric_values(std::span(&task.metrics.front(), 1), std::span<const float>(predictions),
                       targets)
      .front()
      .value;
}

TEST(BagOfWords, LearnsWhatAWordTells) {
  const auto train = toy_examples(300, 1);
  const auto test = toy_examples(200, 2);
  const TaskSpec& task = find_task("sst-2");
  const auto predictions = bag_of_words_predictions(train, test, task);
  EXPECT_GT(first_metric(task, predictions, targets_of(test)), 0.95);
  EXPECT_EQ(bag_of_words_predictions(train, test, task), predictions);  // deterministic
}

TEST(BagOfWords, ScoresFollowTheOverlap) {
  // The score is 5 times the share of common words.
  RandomStream random(RandomPurpose::kTest, {3});
  const auto pairs = [&](int64_t count) {
    std::vector<LabelledExample> examples;
    for (int64_t i = 0; i < count; ++i) {
      LabelledExample example;
      example.b = "";
      const uint64_t common = random.below(11);
      for (uint64_t w = 0; w < 10; ++w) {
        const std::string word = "w" + std::to_string(random.below(200)) + " ";
        example.a += word;
        *example.b += w < common ? word : "v" + std::to_string(random.below(200)) + " ";
      }
      example.target = static_cast<float>(common) / 2.0F;
      examples.push_back(example);
    }
    return examples;
  };
  const auto train = pairs(300);
  const auto test = pairs(200);
  const TaskSpec& task = find_task("sts-b");
  const auto predictions = bag_of_words_predictions(train, test, task);
  EXPECT_GT(first_metric(task, predictions, targets_of(test)), 0.95);
  for (const float score : predictions) {
    EXPECT_GE(score, 0.0F);
    EXPECT_LE(score, 5.0F);
  }
}

TEST(BagOfWords, SaysWhatItCannotLearnFrom) {
  const TaskSpec& task = find_task("sst-2");
  EXPECT_THAT(message_of<RunError>([&] { BagOfWords({}, task); }),
              ::testing::HasSubstr("no training example"));
  auto unlabelled = toy_examples(20, 1);
  unlabelled[3].target = std::nanf("");
  EXPECT_THAT(message_of<RunError>([&] { BagOfWords(unlabelled, task); }),
              ::testing::HasSubstr("without labels"));
  auto constant = toy_examples(40, 1);
  for (auto& example : constant) {
    example.b = "b";
    example.target = 2.5F;
  }
  EXPECT_THAT(message_of<RunError>([&] { BagOfWords(constant, find_task("sts-b")); }),
              ::testing::HasSubstr("no strength of the regularisation gives a metric"));
}

struct RealTask {
  const char* name;
  double least;  ///< of the deciding metric on dev, with the first 4,000 examples of train
};

class BagOfWordsOnRealTasks : public ::testing::TestWithParam<RealTask> {};

TEST_P(BagOfWordsOnRealTasks, BeatsTheMajorityClass) {
  const std::string root = LINFORMER_SHARED_DIR "/data";
  if (!std::filesystem::exists(root)) GTEST_SKIP() << "../shared/data is absent";
  const TaskSpec& task = find_task(GetParam().name);
  const TaskFiles files = find_task_files(task, root);
  auto train = read_labelled_examples(files.split("train"), task).rows;
  if (train.size() > 4000) train.resize(4000);
  const auto dev = read_labelled_examples(files.split("dev"), task).rows;
  const auto targets = targets_of(dev);
  const double value = first_metric(task, bag_of_words_predictions(train, dev, task), targets);
  EXPECT_GT(value, GetParam().least);
  if (task.kind == TaskKind::kClassification) {
    EXPECT_GT(value, majority_baseline(task.metrics.front(), std::span<const float>(targets)));
  }
  RecordProperty("value", std::to_string(value));
}

INSTANTIATE_TEST_SUITE_P(Shared, BagOfWordsOnRealTasks,
                         ::testing::Values(RealTask{"sst-2", 0.6}, RealTask{"mrpc", 0.69},
                                           RealTask{"sts-b", 0.5}),
                         [](const auto& param) {
                           std::string name;
                           for (const char letter : std::string(param.param.name))
                             if (letter != '-') name += letter;
                           return name;
                         });

}  // namespace
}  // namespace linformer
