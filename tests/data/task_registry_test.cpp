#include "linformer/data/task_registry.h"

#include <cctype>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TaskRegistry, FindsTasksUnderTheirUsualSpellings) {
  EXPECT_EQ(find_task("SST2").name, "sst-2");
  EXPECT_EQ(find_task("sst_2").name, "sst-2");
  EXPECT_EQ(find_task("STS-B").name, "sts-b");
  EXPECT_EQ(find_task("stsb").name, "sts-b");
  EXPECT_EQ(find_task("Hyperpartisan").name, "hyperpartisan");
  EXPECT_THAT(message_of<UsageError>([] { find_task("qnly"); }),
              HasSubstr("no task 'qnly'\n  fix: did you mean 'qnli'? known are cola, sst-2, mrpc, "
                        "sts-b, qqp, mnli, qnli, rte, wnli, ax, imdb, hyperpartisan"));
}

TEST(TaskRegistry, LabelsAreThoseOfSubmissions) {
  EXPECT_THAT(find_task("mnli").label_names(),
              ElementsAre("entailment", "neutral", "contradiction"));
  EXPECT_EQ(find_task("ax").label_names(), find_task("mnli").label_names());
  EXPECT_THAT(find_task("rte").label_names(), ElementsAre("entailment", "not_entailment"));
  EXPECT_THAT(find_task("qnli").label_names(), ElementsAre("entailment", "not_entailment"));
  EXPECT_THAT(find_task("cola").label_names(), ElementsAre("0", "1"));
  EXPECT_EQ(find_task("sts-b").num_outputs(), 1);
  EXPECT_EQ(find_task("mnli").num_outputs(), 3);
}

// The server takes eleven files; their numbers of rows are those of GLUE's test sets.
TEST(TaskRegistry, KnowsTheElevenSubmissions) {
  std::vector<std::string> found;
  for (const TaskSpec& task : known_tasks()) {
    for (const SplitSpec& split : task.splits) {
      if (!split.submission_file.empty())
        found.push_back(split.submission_file + " " + std::to_string(split.submission_rows));
    }
  }
  EXPECT_THAT(found,
              ElementsAre("CoLA.tsv 1063", "SST-2.tsv 1821", "MRPC.tsv 1725", "STS-B.tsv 1379",
                          "QQP.tsv 390965", "MNLI-m.tsv 9796", "MNLI-mm.tsv 9847", "QNLI.tsv 5463",
                          "RTE.tsv 3000", "WNLI.tsv 146", "AX.tsv 1104"));
}

TEST(TaskRegistry, RecipesAreTheRowsOfRobertasTable) {
  struct Row {
    const char* task;
    double learning_rate;
    int64_t batch_size;
    double warmup_share = 0.06;
    int64_t folds = 0;
  };
  for (const Row& row :
       {Row{"mnli", 1e-5, 32}, Row{"qnli", 1e-5, 32}, Row{"qqp", 1e-5, 32, 0.25},
        Row{"rte", 2e-5, 16}, Row{"sst-2", 1e-5, 32}, Row{"mrpc", 1e-5, 16}, Row{"cola", 1e-5, 16},
        Row{"sts-b", 2e-5, 16}, Row{"wnli", 2e-5, 32}, Row{"ax", 2e-5, 32}, Row{"imdb", 2e-5, 16},
        Row{"hyperpartisan", 2e-5, 16, 0.06, 10}, Row{"mine", 2e-5, 32}}) {
    const FinetuneRecipe recipe = recipe_of_task(row.task);
    EXPECT_EQ(recipe.learning_rate, row.learning_rate) << row.task;
    EXPECT_EQ(recipe.batch_size, row.batch_size) << row.task;
    EXPECT_EQ(recipe.warmup_share, row.warmup_share) << row.task;
    EXPECT_EQ(recipe.folds, row.folds) << row.task;
  }
  for (const TaskSpec& task : known_tasks()) {
    EXPECT_EQ(task.recipe.folds > 0, task.dev_source == DevSource::kFolds) << task.name;
  }
}

TEST(TaskRegistry, NamesTasksForHelpTexts) {
  EXPECT_EQ(task_names(),
            "cola, sst-2, mrpc, sts-b, qqp, mnli, qnli, rte, wnli, ax, imdb, hyperpartisan");
  EXPECT_EQ(task_names([](const TaskSpec& task) { return task.starts_from_mnli; }),
            "mrpc, sts-b, rte");
}

TEST(TaskRegistry, EveryTaskIsWhole) {
  int64_t in_glue = 0;
  for (const TaskSpec& task : known_tasks()) {
    ASSERT_FALSE(task.metrics.empty()) << task.name;
    for (const Metric metric : task.metrics)
      EXPECT_EQ(is_of_scores(metric), task.kind == TaskKind::kRegression) << task.name;
    EXPECT_EQ(task.labels.empty(), task.kind == TaskKind::kRegression) << task.name;
    in_glue += task.in_glue ? 1 : 0;
    const bool pair = task.is_pair();
    for (const SplitSpec& split : task.splits) {
      EXPECT_FALSE(split.choices.empty());
      for (const FileChoice& choice : split.choices) {
        EXPECT_EQ(choice.layout.b.has_value(), pair) << task.name;
        EXPECT_TRUE(choice.layout.label.has_value()) << task.name;
      }
    }
  }
  EXPECT_EQ(in_glue, 9);
  EXPECT_THAT(message_of<UsageError>([] { find_task("rte").split("validation"); }),
              HasSubstr("has no split 'validation'\n  fix: choose one of: train, dev, test"));
}

TEST(TaskRegistry, ASpellingOfATaskKeepsItsRecipe) {
  for (const TaskSpec& task : known_tasks()) {
    std::string loud;
    for (const char c : task.name) loud += static_cast<char>(std::toupper(c));
    std::string plain = task.name;
    std::erase(plain, '-');
    for (const std::string& name : {task.name, loud, plain}) {
      const FinetuneRecipe recipe = recipe_of_task(name);
      EXPECT_EQ(find_task(name).name, task.name);
      EXPECT_EQ(recipe.learning_rate, task.recipe.learning_rate) << name;
      EXPECT_EQ(recipe.batch_size, task.recipe.batch_size) << name;
      EXPECT_EQ(recipe.folds, task.recipe.folds) << name;
    }
  }
}

}  // namespace
}  // namespace linformer
