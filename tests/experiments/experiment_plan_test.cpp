#include "linformer/experiments/experiment_plan.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/experiment_fixture.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

using ExperimentPlanTest = ExperimentFolder;

std::string refusal(const PlanOptions& options) {
  try {
    make_plan(options);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "not refused";
}

TEST_F(ExperimentPlanTest, HasARunForEachValueAndSeed) {
  const ExperimentPlan plan = make_plan(options());
  EXPECT_THAT(
      ids_of(plan),
      ElementsAre("curves/standard/seed-1", "curves/standard/seed-2", "curves/k8/seed-1",
                  "curves/k8/seed-2", "curves/k16/seed-1", "curves/k16/seed-2", "tasks/same/seed-1",
                  "tasks/rte/seed-1", "tasks/mrpc/seed-1", "tasks/groups/seed-1"));
  const PlannedRun& run = run_of(plan, "curves/k8/seed-2");
  EXPECT_EQ(run.label, "k = 8");
  EXPECT_EQ(run.values.at("n").front(), "64");
  EXPECT_EQ(run.tokens, 10 * 4 * 64);
  EXPECT_GT(run.flops, 0.0);
  EXPECT_THAT(run.commands.front(),
              AllOf(Contains("model.attention.projected_length=8"), Contains("run.seed=2"),
                    Contains("run.dir='" + file("out/runs/curves/k8/seed-2") + "'")));
}

TEST_F(ExperimentPlanTest, EqualConfigurationsAreOneRun) {
  const ExperimentPlan plan = make_plan(options());
  const PlannedRun& same = run_of(plan, "tasks/same/seed-1");
  ASSERT_TRUE(same.same_as.has_value());
  EXPECT_EQ(plan.runs[*same.same_as].id(), "curves/k8/seed-1");
  std::set<std::string> hashes;
  for (const PlannedRun& run : plan.runs) {
    if (run.same_as) continue;
    EXPECT_TRUE(hashes.insert(run.hash).second) << run.id();
  }
}

TEST_F(ExperimentPlanTest, HashDependsOnSettingsAndNotOnPlaces) {
  const std::string before = run_of(make_plan(options()), "tasks/rte/seed-1").hash;
  PlanOptions elsewhere = options();
  elsewhere.output = file("other");
  EXPECT_EQ(run_of(make_plan(elsewhere), "tasks/rte/seed-1").hash, before);
  EXPECT_EQ(run_of(make_plan(options({"tasks"})), "tasks/rte/seed-1").hash, before);
  // The model that is fine-tuned counts too.
  write("experiments/scales/tiny/pretraining.yaml",
        read_text_file(file("experiments/scales/tiny/pretraining.yaml")) +
            "evaluation: {every: 3}\n");
  EXPECT_NE(run_of(make_plan(options()), "tasks/rte/seed-1").hash, before);
}

TEST_F(ExperimentPlanTest, OnlyTakesWhatItNeeds) {
  const ExperimentPlan plan = make_plan(options({"tasks"}));
  EXPECT_THAT(ids_of(plan),
              ElementsAre("curves/k16/seed-1", "tasks/same/seed-1", "tasks/rte/seed-1",
                          "tasks/mrpc/seed-1", "tasks/groups/seed-1"));
  EXPECT_FALSE(run_of(plan, "curves/k16/seed-1").chosen);
  EXPECT_FALSE(run_of(plan, "tasks/same/seed-1").same_as.has_value());
  const PlannedRun& groups = run_of(plan, "tasks/groups/seed-1");
  EXPECT_EQ(plan.runs[*groups.model].id(), "curves/k16/seed-1");
  EXPECT_THAT(groups.commands.front(), ElementsAre("linformer-eval", "perplexity", "--checkpoint",
                                                   file("out/runs/curves/k16/seed-1"), "--json"));
  ASSERT_THAT(plan.experiments, SizeIs(1));
}

TEST_F(ExperimentPlanTest, SeedsAreLimitedByTheRun) {
  EXPECT_THAT(ids_of(make_plan(options({}, 3))),
              AllOf(Contains("curves/k8/seed-3"), Not(Contains("tasks/rte/seed-2"))));
  EXPECT_THAT(ids_of(make_plan(options({}, 1))), Not(Contains("curves/k8/seed-2")));
}

TEST_F(ExperimentPlanTest, RunsOfOtherScalesAreLeftOut) {
  write("experiments/tasks.yaml",
        "title: T\npretraining: [{name: here, scales: [tiny]}, {name: there, scales: [gpu]}]\n");
  EXPECT_THAT(ids_of(make_plan(options({"tasks"}, 1))), ElementsAre("tasks/here/seed-1"));
}

TEST_F(ExperimentPlanTest, RefusesWithNamesThatAreKnown) {
  PlanOptions unknown = options({"curvs"});
  EXPECT_THAT(refusal(unknown),
              AllOf(HasSubstr("--only: the experiment 'curvs' is not known"),
                    HasSubstr("did you mean curves?"), HasSubstr("known: curves, tasks")));
  unknown = options();
  unknown.scale = "huge";
  EXPECT_THAT(refusal(unknown), AllOf(HasSubstr("--scale: the scale 'huge'"), HasSubstr("tiny")));
  unknown = options();
  unknown.experiments = file("none");
  EXPECT_THAT(refusal(unknown), HasSubstr("is not a folder"));
}

TEST_F(ExperimentPlanTest, RefusesWhatCannotRun) {
  const struct {
    const char* text;
    const char* what;
  } cases[] = {
      {"pretraining: [{name: a, set: [model.hiden_size=3]}]", "did you mean model.hidden_size?"},
      {"pretraining: [{name: a, set: [model.num_attention_heads=3]}]", "heads do not divide"},
      {"pretraining: [{name: a, each: {k: [1, 2]}}]", "two runs named tasks/a"},
      {"pretraining: [{name: 'a{x}'}]", "{x} in 'a{x}' is not known"},
      {"pretraining: [{name: a, seeds: x}]", "seeds of a is 'x'"},
      {"pretraining: [{name: a, seeds: 0}]", "at least 1"},
      {"pretraining: [{name: a, seeds: 1.5}]", "a whole number"},
      {"pretraining: [{name: a, seeds: 1e300}]", "at most 1e+09"},
      {"measurements: [{name: a, seconds: nan, commands: [x]}]", "seconds of a is 'nan'"},
      {"measurements: [{name: a, seconds: 1e300, commands: [x]}]", "at most 1e+09"},
      {"finetuning: [{name: a, model: curves/k9, set: [task.name=rte, task.data=x]}]",
       "the model 'curves/k9' is not known"},
      {"measurements: [{name: a, commands: ['x {checkpoint}']}]", "{checkpoint}"},
      {"measurements: [{name: a, model: k8, commands: [x]}]", "known: curves/k16"},
      {"measurements: [{name: a, model: a, commands: [x]}]", "the model 'tasks/a' is not known"},
      {"measurements: [{name: a, model: b, commands: [x]}, {name: b, commands: [x]}]",
       "the model 'tasks/b' is not known"},
      {"measurements: [{name: b, commands: [x]}, {name: a, model: b, commands: [x]}]",
       "'tasks/b' is a measurement"},
      {"pretraining: [{name: b, seeds: 1}]\nmeasurements: [{name: a, model: b, commands: [x]}]",
       "'tasks/b' has no seed 2"},
  };
  for (const auto& one : cases) {
    write("experiments/tasks.yaml", std::string("title: T\n") + one.text + "\n");
    EXPECT_THAT(refusal(options()),
                AllOf(HasSubstr("tasks.yaml:"), HasSubstr(one.what), HasSubstr("fix: ")))
        << one.text;
  }
}

// A value becomes a part of a folder, which a measurement empties before it begins.
TEST_F(ExperimentPlanTest, NamesStayInsideTheOutput) {
  for (const std::string& value :
       {std::string(".."), std::string("../../x"), std::string("a/b"), std::string("/"),
        std::string(), std::string("."), std::string("a b"), std::string("ü"), std::string("a\\0b"),
        std::string("*"), std::string(5000, 'x')}) {
    write("experiments/tasks.yaml", "title: T\nmeasurements: [{name: '{v}', each: {v: [\"" + value +
                                        "\"]}, commands: [x]}]\n");
    EXPECT_THAT(refusal(options()), AllOf(HasSubstr("tasks.yaml:2:"), HasSubstr("not a name")))
        << value;
  }
  write("experiments/tasks.yaml",
        "title: T\nmeasurements: [{name: 'a{v}', each: {v: [1.5, -2, B_c]}, commands: [x]}]\n");
  EXPECT_THAT(ids_of(make_plan(options({"tasks"}, 1))),
              ElementsAre("tasks/a1.5/seed-1", "tasks/a-2/seed-1", "tasks/aB_c/seed-1"));
}

TEST_F(ExperimentPlanTest, ModelsStandBeforeWhatReadsThem) {
  write("experiments/curves.yaml",
        "title: T\nmeasurements: [{name: a, model: tasks/same, commands: [x]}]\n");
  EXPECT_THAT(refusal(options()), HasSubstr("name a run that stands before this one"));
}

TEST_F(ExperimentPlanTest, GridsAreBoundedBeforeTheyAreBuilt) {
  std::string values = "[0";
  for (int i = 1; i < 2000; ++i) values += ", " + std::to_string(i);
  values += "]";
  write("experiments/tasks.yaml",
        "title: T\nmeasurements: [{name: 'a{u}-{v}-{w}', each: {u: " + values + ", v: " + values +
            ", w: " + values + "}, commands: [x]}]\n");
  EXPECT_THAT(refusal(options()),
              AllOf(HasSubstr("tasks.yaml:2:"), HasSubstr("more than 100,000 runs")));
}

TEST_F(ExperimentPlanTest, VocabularyForTheEstimateIsANumber) {
  const std::string path = "experiments/scales/tiny/";
  std::string text = read_text_file(file(path + "pretraining.yaml"));
  text.replace(text.find("  vocab_size: 1000\n"), 19, "");
  write(path + "pretraining.yaml", text);
  EXPECT_GT(make_plan(options()).runs.front().flops, 0.0);
  const std::string scale = read_text_file(file(path + "scale.yaml"));
  for (const char* size : {"-5", "99999999999999999999", "many"}) {
    write(path + "scale.yaml",
          std::string(scale).replace(scale.find("values: {"), 9,
                                     std::string("values: {vocab_size: ") + size + ", "));
    EXPECT_THAT(refusal(options()), HasSubstr(std::string("is '") + size + "'"));
  }
}

TEST(MatchesPattern, StarStandsForAnyText) {
  EXPECT_TRUE(matches_pattern("k16", "k*"));
  EXPECT_TRUE(matches_pattern("k", "k*"));
  EXPECT_TRUE(matches_pattern("a-k16-b", "*-k*-b"));
  EXPECT_TRUE(matches_pattern("", "*"));
  EXPECT_FALSE(matches_pattern("k16", "k1"));
  EXPECT_FALSE(matches_pattern("k16", "*7"));
  EXPECT_FALSE(matches_pattern("k16", "K*"));
}

// What the project ships has to resolve at every scale.
TEST(ShippedExperiments, ResolveAtEveryScale) {
  PlanOptions options;
  options.experiments = std::string(LINFORMER_SOURCE_DIR) + "/configs/experiments";
  options.output = "out";
  ASSERT_THAT(known_scales(options.experiments), Contains("tiny"));
  for (const char* scale : {"tiny", "small", "gpu", "paper"}) {
    options.scale = scale;
    const ExperimentPlan plan = make_plan(options);
    EXPECT_GT(plan.runs.size(), 40u) << scale;
  }
}

}  // namespace
}  // namespace linformer
