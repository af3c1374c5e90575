#include "linformer/experiments/experiment_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "experiments/experiment_fixture.h"

#include "linformer/core/error.h"
#include "linformer/report/task_result.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ExperimentReportTest : public ExperimentFolder {
 protected:
  static void add(RunnerResult& result, const PlannedRun& run, double perplexity) {
    RunRecord record;
    record.id = run.id();
    record.type = "pretraining";
    record.hash = run.hash;
    record.settings = run.settings;
    record.seed = run.seed;
    record.commands = {"linformer-train --config x.yaml"};
    record.machine = "a machine";
    record.threads = 1;
    const nlohmann::ordered_json json{
        {"perplexity", perplexity},
        {"tokens_per_second", 1000.0},
        {"curve",
         {{{"step", 5}, {"tokens", 1280}, {"seconds", 1.0}, {"perplexity", 2.0 * perplexity}},
          {{"step", 10}, {"tokens", 2560}, {"seconds", 2.0}, {"perplexity", perplexity}}}}};
    record.result = json.dump();
    result.records[run.hash] = record;
  }
  /// Standard attention: 10.0 and 10.1; k = 8: 20.0 and 20.2; k = 16 is missing.
  RunnerResult some_results(const ExperimentPlan& plan) const {
    RunnerResult result;
    result.outcomes.resize(plan.runs.size());
    for (size_t i = 0; i < plan.runs.size(); ++i) {
      const PlannedRun& run = plan.runs[i];
      const double seed = static_cast<double>(run.seed - 1);
      if (run.name == "standard") add(result, run, 10.0 + 0.1 * seed);
      if (run.name == "k8") add(result, run, 20.0 + 0.2 * seed);
      if (run.id() == "curves/k16/seed-1") {
        result.outcomes[i] = {RunState::kFailed, "the disk is full <b>"};
      }
    }
    return result;
  }
  static constexpr size_t kEvaluations = 2;
  const ReportOrigin origin_{"linformer-report paper --scale tiny", "1.0", "a machine"};
};

TEST_F(ExperimentReportTest, PageHasWhatThereIsAndMarksTheRest) {
  const ExperimentPlan plan = make_plan(options({"curves"}));
  const std::string html = report_html(plan, some_results(plan), origin_);
  EXPECT_THAT(html, AllOf(HasSubstr("<h2"), HasSubstr("Curves"), HasSubstr("<svg"),
                          HasSubstr("In the paper: Figure 3."), HasSubstr("standard attention"),
                          HasSubstr("What is missing"), HasSubstr("the disk is full &lt;b&gt;"),
                          HasSubstr("1 run not executed yet")));
  EXPECT_THAT(html, AllOf(Not(HasSubstr("full <b>")), Not(HasSubstr("<script"))));
  // 20.1 against 10.05: twice, so behind by about 100 %.
  EXPECT_THAT(html, AllOf(HasSubstr("2.000"), HasSubstr("behind by ")));
  EXPECT_EQ(html, report_html(plan, some_results(plan), origin_));
}

TEST_F(ExperimentReportTest, SummaryHasRatiosAndTheNumberOfTests) {
  const ExperimentPlan plan = make_plan(options({"curves"}));
  RunnerResult result = some_results(plan);
  EXPECT_THAT(report_html(plan, result, origin_),
              AllOf(HasSubstr("perplexity ratio"), Not(HasSubstr("not corrected"))));
  for (const PlannedRun& run : plan.runs) {
    if (run.name == "k16") add(result, run, 15.0 + 0.1 * static_cast<double>(run.seed));
  }
  EXPECT_THAT(report_html(plan, result, origin_),
              HasSubstr("The 2 comparisons are not corrected for their number"));
}

// The result is what linformer-finetune writes, not a copy of its format.
TEST_F(ExperimentReportTest, TasksHaveAccuraciesInPercent) {
  const ExperimentPlan plan = make_plan(options({"tasks"}));
  const PlannedRun& run = run_of(plan, "tasks/rte/seed-1");
  TaskResult task;
  task.task = "rte";
  task.sets = {{"dev", "rte", 277, false, {{"accuracy", 0.5875}, {"f1", 0.25}}, 0.7, 0.525}};
  RunRecord record;
  record.id = run.id();
  record.type = "finetuning";
  record.hash = run.hash;
  record.settings = run.settings;
  record.commands = {"linformer-finetune --config x.yaml"};
  record.result = to_json(task);
  RunnerResult result;
  result.outcomes.resize(plan.runs.size());
  result.records[run.hash] = record;
  EXPECT_THAT(report_html(plan, result, origin_),
              AllOf(HasSubstr(">58.75<"), HasSubstr("most frequent class"), HasSubstr(">52.5<"),
                    Not(HasSubstr("without a finite number"))));
}

TEST_F(ExperimentReportTest, ExperimentWithoutRunsAtAScaleSaysSo) {
  write("experiments/tasks.yaml", "title: T\n");
  write(
      "experiments/curves.yaml",
      "title: T\npretraining: [{name: a, scales: [large]}]\npanels: [{kind: curves, title: x}]\n");
  const ExperimentPlan plan = make_plan(options({"curves"}));
  const std::string html = report_html(plan, recorded_results(plan, {}), origin_);
  EXPECT_THAT(html, AllOf(HasSubstr("The scale tiny has no run of this experiment."),
                          Not(HasSubstr("<svg"))));
}

TEST_F(ExperimentReportTest, AccuraciesAreInPercentByModelAndTask) {
  write("experiments/tasks.yaml", R"(
title: Tasks
pretraining: [{name: base-rte}]
finetuning:
  - {name: "{task}-{model}", each: {task: [rte, mrpc], model: [base-rte]}, model: "{model}", set: ["task.name={task}", task.data=glue]}
panels:
  - {kind: tasks, title: Tasks, runs: ["*-rte"], rows: model, columns: task}
)");
  const ExperimentPlan plan = make_plan(options({"tasks"}, 2));
  RunnerResult result = recorded_results(plan, {});
  for (const PlannedRun& run : plan.runs) {
    if (run.name != "mrpc-base-rte") continue;
    add(result, run, 1.0);
    result.records.at(run.hash).result = run.seed == 1
                                             ? R"({"sets":[{"metrics":{"accuracy":0.75}}]})"
                                             : R"({"sets":[{"metrics":{"accuracy":0.76}}]})";
  }
  // mean 75.5, s = 0.7071, t(0.975; 1) = 12.706: 12.706 x 0.5 = 6.4
  EXPECT_THAT(report_html(plan, result, origin_), HasSubstr("75.5 ± 6.4"));
}

TEST_F(ExperimentReportTest, PageOfNothingSaysSo) {
  const ExperimentPlan plan = make_plan(options());
  const std::string html = report_html(plan, recorded_results(plan, {}), origin_);
  EXPECT_THAT(html, AllOf(HasSubstr("10 runs not executed yet"), HasSubstr("not measured")));
}

TEST_F(ExperimentReportTest, DivergedSeedsAreLeftOutAndNamed) {
  const ExperimentPlan plan = make_plan(options({"curves"}));
  for (const double perplexity : {0.0, -5.0}) {
    RunnerResult result = some_results(plan);
    add(result, run_of(plan, "curves/k8/seed-2"), perplexity);
    std::vector<std::string> problems;
    const std::string html = report_html(plan, result, origin_, &problems);
    EXPECT_THAT(problems, IsEmpty());
    // 20 of the first seed alone, against 10 and 10.1.
    EXPECT_THAT(html, AllOf(HasSubstr("1 of 2 without a usable number"), HasSubstr("1.990")));
  }
}

TEST_F(ExperimentReportTest, PanelThatCannotBeMadeIsNamedAndTheOthersKept) {
  const std::string curves = read_text_file(file("experiments/curves.yaml"));
  write("experiments/curves.yaml",
        curves + "  - {kind: recall, title: Facts}\n  - {kind: finals, title: After it}\n");
  const ExperimentPlan plan = make_plan(options({"curves"}));
  RunnerResult result = some_results(plan);
  RunRecord& record = result.records.at(run_of(plan, "curves/k8/seed-1").hash);
  record.result = R"({"perplexity": 20.0, "by_distance": 7})";
  std::vector<std::string> problems;
  const std::string html = report_html(plan, result, origin_, &problems);
  EXPECT_THAT(problems, ElementsAre(AllOf(HasSubstr("curves.yaml:9:"), HasSubstr("'Facts'"))));
  EXPECT_THAT(html, AllOf(HasSubstr("could not be made: a record does not have what it shows"),
                          HasSubstr("After it"), HasSubstr("n = 64")));
}

/// A value with one of its members gone, or a number in its place, each in turn.
std::vector<nlohmann::ordered_json> damaged(const nlohmann::ordered_json& value) {
  std::vector<nlohmann::ordered_json> all{7};
  if (value.is_object() || value.is_array()) {
    for (const auto& [key, member] : value.items()) {
      const nlohmann::ordered_json::json_pointer place("/" + key);
      if (value.is_object()) {
        all.push_back(value);
        all.back().erase(key);
      }
      for (const auto& each : damaged(member)) {
        all.push_back(value);
        all.back()[place] = each;
      }
    }
  }
  return all;
}

// Const JSON gives undefined behaviour for a missing member that is read by [].
TEST_F(ExperimentReportTest, NoRecordOfAMeasurementCostsThePage) {
  const struct {
    const char* panel;
    const char* result;
  } cases[] = {
      {"kind: spectrum",
       R"({"layers": [{"layer": 0, "heads": [{"cumulative": [0.5, 1], "at_index": 1}]}],
        "n": 2, "sequences": 1, "index": 1})"},
      {"kind: projection_error", R"({"theorem_1": [{"n": 8, "k": 2, "random": {"mean": 1}}],
        "theorem_2": [{"n": 8, "k": 2, "of_output": {"mean": 1}}], "sequences": 1,
        "bounds": [{"n": 8, "epsilon": 0.1, "theorem_1_k": 1,
                    "theorem_2_k": {"statement_n": 1, "statement_d": 1, "proof_nd": 1}}]})"},
      {"kind: projection_error", R"({"learned": [{"layer": 0, "head": 0, "n": 8, "mean": 1}]})"},
      {"kind: operations", R"({"kinds": [{"variant": "a", "attention_growth": {"exponent": 1},
        "whole_growth": {"exponent": 1}, "measurements": [{"n": 8, "operator_calls": 3,
        "multiply_adds": 4, "model_multiply_adds": 4, "attention_multiply_adds": 2}]}]})"},
      {"kind: encoder_speed", R"({"cells": [{"variant": "linformer", "k": 2, "n": 8, "seconds": 1,
        "seconds_min": 1, "seconds_max": 1}], "memory_gib": 1, "device": "cpu"})"},
      {"kind: loss_groups", R"({"by": {"distance": [{"group": "a", "share": 1, "nll_sum": 1,
        "masked_tokens": 1}]}})"},
      {"kind: recall", R"({"by_distance": [{"group": "a", "right": 1, "questions": 2}]})"},
      {"kind: tasks, rows: n, columns: k", R"({"sets": [{"metrics": [{"value": 1}]}]})"},
  };
  for (const auto& one : cases) {
    write("experiments/tasks.yaml", std::string("title: T\nmeasurements: [{name: a, commands: [x]}]"
                                                "\npanels: [{title: P, ") +
                                        one.panel + "}]\n");
    const ExperimentPlan plan = make_plan(options({"tasks"}, 1));
    for (const auto& result : damaged(nlohmann::ordered_json::parse(one.result))) {
      if (!result.is_object()) continue;  // not taken as a record
      RunnerResult results = recorded_results(plan, {});
      add(results, plan.runs.front(), 1.0);
      results.records.begin()->second.result = result.dump();
      EXPECT_THAT(report_html(plan, results, origin_), HasSubstr("</html>")) << result;
    }
  }
}

TEST_F(ExperimentReportTest, DataHasEveryRecordOnceAndIsReadAgain) {
  const ExperimentPlan plan = make_plan(options());
  const RunnerResult result = some_results(plan);
  const std::string path = file("report.json");
  write_file_atomically(path, report_json(plan, result, origin_));
  const RunRecords again = read_report_records(path);
  EXPECT_EQ(again.size(), result.records.size());
  EXPECT_DOUBLE_EQ(*value_of(again.at(run_of(plan, "curves/k8/seed-2").hash), "perplexity"), 20.2);
}

TEST_F(ExperimentReportTest, TablesHaveARowForEachValue) {
  const ExperimentPlan plan = make_plan(options({"curves"}));
  const RunnerResult result = some_results(plan);
  const auto lines = [](const std::string& text) {
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  };
  const std::string curves = curves_csv(plan, result);
  EXPECT_EQ(lines(curves), 1 + 4 * kEvaluations);
  EXPECT_THAT(curves, HasSubstr("curves,k8,2," + run_of(plan, "curves/k8/seed-2").hash +
                                ",10,2560,2.00,20.2\r\n"));
  const std::string values = values_csv(plan, result);
  EXPECT_EQ(lines(values), 1 + 4 * 2u);
  EXPECT_THAT(values, AllOf(HasSubstr(",tokens_per_second,1000"), Not(HasSubstr(",curve."))));
}

TEST_F(ExperimentReportTest, PanelsAreCheckedBeforeRuns) {
  write("experiments/tasks.yaml", "title: T\n");
  const auto refusal = [&](const std::string& panel) {
    write("experiments/curves.yaml",
          "title: T\npretraining: [{name: a}]\npanels:\n  - {title: x, " + panel + "}\n");
    const ExperimentPlan plan = make_plan(options({"curves"}));
    return message_of<UsageError>([&] { check_panels(plan); });
  };
  EXPECT_THAT(refusal("kind: curvs"), AllOf(HasSubstr("curves.yaml:4:"), HasSubstr("curves?")));
  EXPECT_THAT(refusal("kind: zzz"), HasSubstr("known kinds: curves finals"));
  EXPECT_THAT(refusal("kind: curves, runs: [b]"), HasSubstr("names no run 'b'"));
  EXPECT_THAT(refusal("kind: curves, baseline: b"), HasSubstr("has no baseline 'b'"));
  EXPECT_THAT(refusal("kind: over"), HasSubstr("has no x"));
  EXPECT_THAT(refusal("kind: matrix"), HasSubstr("no rows or columns"));
  EXPECT_THAT(refusal("kind: published, published: t"), HasSubstr("no published table 't'"));
  EXPECT_THAT(refusal("kind: matrix, rows: n, columns: kk"), HasSubstr("columns: kk, which is no"));
  EXPECT_THAT(refusal("kind: over, x: kk"), HasSubstr("x: kk, which is no variable"));
  EXPECT_THAT(refusal("kind: loss_groups, value: dist"), HasSubstr("value: dist"));
  EXPECT_THAT(refusal("kind: curves, x: k"), HasSubstr("kind curves takes no x"));
  EXPECT_THAT(refusal("kind: spectrum, baseline: a"), HasSubstr("takes no baseline"));
  EXPECT_THAT(refusal("kind: curves, margin: 0.1"), HasSubstr("a margin and no baseline"));
  EXPECT_THAT(refusal("kind: curves, runs: ['{zz}']"), HasSubstr("{zz} in '{zz}' is not known"));
  EXPECT_EQ(refusal("kind: curves, runs: ['*'], baseline: a"), "");
}

TEST_F(ExperimentReportTest, TextsAreCheckedBeforeRuns) {
  write("experiments/tasks.yaml", "title: T\n");
  for (const char* text :
       {"about: ['{zz}']", "pretraining: [{name: a}]\npanels: [{kind: curves, title: '{zz}'}]"}) {
    write("experiments/curves.yaml", std::string("title: T\n") + text + "\n");
    const ExperimentPlan plan = make_plan(options({"curves"}));
    EXPECT_THAT(message_of<UsageError>([&] { check_panels(plan); }),
                AllOf(HasSubstr("curves.yaml"), HasSubstr("{zz} in '{zz}' is not known")));
  }
}

TEST_F(ExperimentReportTest, DryRunListsRunsAndHours) {
  const ExperimentPlan plan = make_plan(options());
  const std::string text =
      describe_plan(plan, missing_runs(plan, {}, file("out")), 2, RunClock(1e9));
  EXPECT_THAT(text,
              AllOf(HasSubstr("curves/k16"), HasSubstr("tasks/rte"), Not(HasSubstr("tasks/same")),
                    HasSubstr("9 runs of 10 to execute, 2 at a time: about "),
                    HasSubstr(" hours on this machine")));
}

// What the project ships has a page at every scale, with every panel, before anything is
// measured.
TEST(ShippedExperiments, HaveAPageAtEveryScale) {
  PlanOptions options;
  options.experiments = std::string(LINFORMER_SOURCE_DIR) + "/configs/experiments";
  options.output = "out";
  for (const char* scale : {"tiny", "small", "gpu", "paper"}) {
    options.scale = scale;
    const ExperimentPlan plan = make_plan(options);
    check_panels(plan);
    const std::string html = report_html(plan, recorded_results(plan, {}), {"c", "1", "m"});
    EXPECT_THAT(html, AllOf(HasSubstr("Figure 3"), HasSubstr("runs not executed yet"))) << scale;
  }
}

}  // namespace
}  // namespace linformer
