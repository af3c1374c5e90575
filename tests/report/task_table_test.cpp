#include "linformer/report/task_table.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TaskRun run_of(const std::string& task, const std::string& model, int64_t seed,
               std::vector<MetricValue> metrics, double majority) {
  TaskRun run;
  run.task = task;
  run.model = model;
  run.protocol = "tuned";
  run.setting = "learning_rate=1e-5";
  run.seed = seed;
  run.metrics = std::move(metrics);
  run.majority_baseline = majority;
  return run;
}

TaskRun sst2(const std::string& model, int64_t seed, double accuracy) {
  return run_of("sst-2", model, seed, {{"accuracy", accuracy}}, 0.5);
}

TaskRun stsb(int64_t seed, double pearson, double spearman) {
  TaskRun run = run_of("sts-b", "linformer", seed, {{"pearson", pearson}, {"spearman", spearman}},
                       std::nan(""));
  run.regression = true;
  return run;
}

TEST(TaskTable, SummarisesSeeds) {
  const auto rows = task_rows({sst2("linformer", 3, 0.9), stsb(1, 0.8, 0.6),
                               sst2("linformer", 1, 0.8), sst2("linformer", 2, 0.5)});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].task, "sst-2");
  EXPECT_THAT(rows[0].seeds, ElementsAre(1, 2, 3));
  const MetricSummary& accuracy = rows[0].metrics.front();
  EXPECT_THAT(accuracy.values, ElementsAre(0.8, 0.5, 0.9));
  EXPECT_DOUBLE_EQ(accuracy.median, 0.8);
  EXPECT_DOUBLE_EQ(accuracy.mean, 2.2 / 3.0);
  // squares (0.0667^2 + 0.2333^2 + 0.1667^2) = 0.08667, divided by 2
  EXPECT_NEAR(accuracy.standard_deviation, std::sqrt(0.26 / 3.0 / 2.0), 1e-12);
  EXPECT_EQ(rows[0].num_failed, 1);  // 0.5 is what the most frequent class gets
  EXPECT_THAT(rows[0].settings, ElementsAre("learning_rate=1e-5"));
  EXPECT_DOUBLE_EQ(rows[1].median_score(), 0.7);  // of Pearson and Spearman
}

TEST(TaskTable, AFailedRunLearnedNothing) {
  EXPECT_FALSE(is_failed(sst2("m", 1, 0.51)));
  EXPECT_TRUE(is_failed(sst2("m", 1, 0.5)));
  EXPECT_TRUE(is_failed(sst2("m", 1, 0.4)));
  EXPECT_TRUE(is_failed(run_of("cola", "m", 1, {{"mcc", 0.0}}, 0.0)));
  EXPECT_FALSE(is_failed(run_of("cola", "m", 1, {{"mcc", 0.01}}, 0.0)));
  EXPECT_FALSE(is_failed(stsb(1, 0.1, 0.0)));
  EXPECT_TRUE(is_failed(stsb(1, 0.09, 0.9)));
  EXPECT_TRUE(is_failed(stsb(1, std::nan(""), 0.9)));
  EXPECT_THROW(is_failed(run_of("cola", "m", 1, {}, 0.0)), RunError);
}

TEST(TaskTable, AveragesOverTasksAsGlueDoes) {
  TaskRun wnli = run_of("hyperpartisan", "linformer", 1, {{"accuracy", 0.1}}, 0.6);
  wnli.in_average = false;
  const auto averages = average_rows(task_rows({sst2("linformer", 1, 0.8), sst2("standard", 1, 0.7),
                                                stsb(1, 0.8, 0.6), stsb(2, 0.6, 0.4), wnli}));
  ASSERT_EQ(averages.size(), 2u);
  EXPECT_EQ(averages[0].model, "linformer");
  EXPECT_THAT(averages[0].tasks, ElementsAre("sst-2", "sts-b"));
  EXPECT_DOUBLE_EQ(averages[0].mean, 0.7);  // (0.8 + (0.7 + 0.5) / 2) / 2
  EXPECT_DOUBLE_EQ(averages[1].median, 0.7);
}

TEST(TaskTable, RefusesRunsThatDoNotFit) {
  EXPECT_THAT(message_of<RunError>([] {
                task_rows({sst2("m", 1, 0.8), sst2("m", 1, 0.9)});
              }),
              HasSubstr("sst-2, m, tuned: two runs with seed 1"));
  EXPECT_THAT(message_of<RunError>([] {
                task_rows({sst2("m", 1, 0.8), run_of("sst-2", "m", 2, {{"f1", 0.8}}, 0.5)});
              }),
              HasSubstr("runs with different metrics"));
}

TEST(TaskTable, MarkdownHasALineForEachMetric) {
  TaskRun undefined = stsb(1, std::nan(""), 0.5);
  undefined.remark = "part | of train";
  const std::string text =
      task_table_text(task_rows({sst2("linformer", 1, 0.8125), undefined}), TableStyle::kMarkdown);
  EXPECT_THAT(text, HasSubstr("| task | model | protocol | metric | median | mean | sd | seeds | "
                              "failed | majority | setting | data |\n|---|"));
  EXPECT_THAT(text, HasSubstr("| sst-2 | linformer | tuned | accuracy | 81.25 % | 81.25 % | - | 1 "
                              "| 0 | 50.00 % | learning_rate=1e-5 |  |\n"));
  EXPECT_THAT(text, HasSubstr("| sts-b | linformer | tuned | pearson | - | - | - | 1 | 1 | - |"));
  EXPECT_THAT(text, HasSubstr("part \\| of train"));
  EXPECT_THAT(text, HasSubstr("| linformer | tuned | - | - | 2 | sst-2, sts-b |"));
}

TEST(TaskTable, OfATerminalIsAlignedAndHasNoEmptyColumn) {
  EXPECT_EQ(task_table_text(task_rows({sst2("linformer", 1, 0.8125)}), TableStyle::kAligned),
            "task   model      protocol  metric     median     mean  sd  seeds  failed  majority  "
            "setting\n"
            "-----  ---------  --------  --------  -------  -------  --  -----  ------  --------  "
            "------------------\n"
            "sst-2  linformer  tuned     accuracy  81.25 %  81.25 %   -      1       0   50.00 %  "
            "learning_rate=1e-5\n\n"
            "model      protocol  average of medians  average of means  tasks  of\n"
            "---------  --------  ------------------  ----------------  -----  -----\n"
            "linformer  tuned                81.25 %           81.25 %      1  sst-2\n");
}

TEST(TaskTable, JsonKeepsFiguresAsTheyAre) {
  const auto json = nlohmann::json::parse(
      task_table_json(task_rows({sst2("m", 1, 0.8), stsb(4, std::nan(""), 0.5)})));
  EXPECT_EQ(json["rows"][0]["metrics"]["accuracy"]["median"], 0.8);
  EXPECT_TRUE(json["rows"][0]["metrics"]["accuracy"]["standard_deviation"].is_null());
  EXPECT_EQ(json["rows"][1]["failed"], 1);
  EXPECT_TRUE(json["rows"][1]["metrics"]["pearson"]["median"].is_null());
  EXPECT_EQ(json["rows"][1]["seeds"], nlohmann::json({4}));
  EXPECT_EQ(json["averages"][0]["tasks"], nlohmann::json({"sst-2"}));
}

/// A run that gets the first `right` of 200 rows right.
TaskRun with_predictions(const std::string& model, int64_t seed, int right) {
  TaskRun run = sst2(model, seed, right / 200.0);
  for (int i = 0; i < 200; ++i) {
    run.targets.push_back(i % 2);
    run.predictions.push_back(i < right ? i % 2 : 1 - i % 2);
  }
  return run;
}

TEST(Comparison, OfModelsIsOverRowsAndSeeds) {
  const Comparison comparison =
      compare_models({with_predictions("linformer", 1, 160), with_predictions("linformer", 2, 170),
                      with_predictions("standard", 1, 180), stsb(1, 0.8, 0.8)},
                     "linformer", "standard", {500, 0.9, 1});
  ASSERT_EQ(comparison.rows.size(), 1u);  // sts-b has no run of the other model
  const ComparisonRow& row = comparison.rows.front();
  EXPECT_EQ(row.resampled, "rows and seeds");
  EXPECT_EQ(row.beside, "tuned");
  EXPECT_NEAR(row.interval.difference, 0.825 - 0.9, 1e-12);
  EXPECT_LT(row.interval.low, row.interval.difference);
  EXPECT_LT(row.interval.high, 0.0);  // the better model is right wherever the other is
  EXPECT_THAT(comparison_text(comparison, TableStyle::kMarkdown),
              HasSubstr("| 82.50 % (82.50 %, 2 seeds, 0 failed) | 90.00 % (90.00 %, 1 seeds, 0 "
                        "failed) | -7.50 % |"));
  EXPECT_THAT(comparison_text(comparison, TableStyle::kMarkdown),
              HasSubstr("| 90 % interval | over |"));
  const auto json = nlohmann::json::parse(comparison_json(comparison));
  EXPECT_EQ(json["rows"][0]["right"]["mean"], 0.9);
  EXPECT_EQ(json["rows"][0]["resampled"], "rows and seeds");
  EXPECT_EQ(json["left"], "linformer");
}

TEST(Comparison, OfACrossValidationPairsTheFolds) {
  std::vector<TaskRun> runs;
  for (int64_t seed = 1; seed <= 5; ++seed) {
    // Folds differ by up to 80 of 200 rows, the models by 10 in each: accuracies 0.5 to 0.95.
    const int right = 80 + 20 * static_cast<int>(seed);
    for (const auto& [model, more] : {std::pair{"a", 10}, std::pair{"b", 0}}) {
      runs.push_back(with_predictions(model, seed, right + more));
      std::rotate(runs.back().targets.begin(), runs.back().targets.begin() + seed,
                  runs.back().targets.end());
      std::rotate(runs.back().predictions.begin(), runs.back().predictions.begin() + seed,
                  runs.back().predictions.end());
      runs.back().targets.front() = 2.0 + static_cast<double>(seed);  // no two folds are alike
    }
  }
  const Comparison comparison = compare_models(runs, "a", "b");
  const ComparisonRow& row = comparison.rows.front();
  EXPECT_EQ(row.resampled, "folds and rows");
  // 10 rows of 200 more are right in every fold: the folds' spread (0.16) is not in the interval.
  EXPECT_NEAR(row.interval.difference, 0.05, 0.006);
  EXPECT_GT(row.interval.low, 0.03);
  EXPECT_LT(row.interval.high, 0.07);
  // Without one partner the pairs are none.
  runs.pop_back();
  EXPECT_EQ(compare_models(runs, "a", "b").rows.front().resampled, "seeds");
}

TEST(Comparison, WithoutPredictionsIsOverSeeds) {
  const Comparison comparison = compare_models(
      {with_predictions("a", 1, 160), sst2("b", 1, 0.7), sst2("b", 2, 0.6)}, "a", "b");
  ASSERT_EQ(comparison.rows.size(), 1u);
  EXPECT_EQ(comparison.rows[0].resampled, "seeds");
  EXPECT_NEAR(comparison.rows[0].interval.difference, 0.15, 1e-12);
  // Two runs: each mean of a resample is 0.6, 0.65 or 0.7.
  EXPECT_NEAR(comparison.rows[0].interval.low, 0.1, 1e-12);
  EXPECT_NEAR(comparison.rows[0].interval.high, 0.2, 1e-12);
}

TEST(Comparison, OfProtocolsStandsSideBySide) {
  TaskRun global = sst2("m", 1, 0.7);
  global.protocol = "global";
  TaskRun other_model = sst2("n", 1, 0.9);
  const Comparison comparison =
      compare_protocols({sst2("m", 1, 0.8), global, other_model}, "tuned", "global");
  ASSERT_EQ(comparison.rows.size(), 1u);
  EXPECT_EQ(comparison.rows[0].beside, "m");
  EXPECT_DOUBLE_EQ(comparison.rows[0].left.mean, 0.8);
  EXPECT_DOUBLE_EQ(comparison.rows[0].right.mean, 0.7);
  const std::string text = comparison_text(comparison, TableStyle::kMarkdown);
  EXPECT_THAT(
      text, HasSubstr("| task | model | metric | tuned: mean (median) | global: mean (median) |"));
  EXPECT_THAT(text, HasSubstr("| +10.00 % | +10.00 % to +10.00 % | seeds |"));
}

}  // namespace
}  // namespace linformer
