// The runner, with scripts in place of the programs.
#include "linformer/experiments/experiment_runner.h"

#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/experiment_fixture.h"

#include "linformer/checkpoint/manifest.h"
#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ExperimentRunnerTest : public ExperimentFolder {
 protected:
  void SetUp() override {
    ExperimentFolder::SetUp();
    program("linformer-train", kTrain);
    program("linformer-finetune", R"(
printf '{"task":"x","model":"m","seed":1,"fold":0,"protocol":"task","setting":{},"train_rows":1,' > $dir/result.json
printf '"sets":[{"name":"dev","metrics":{"accuracy":0.5}}]}' >> $dir/result.json)");
    program("linformer-eval", "echo '{\"perplexity\": 12.5}'; echo a message >&2");
  }
  void TearDown() override { set_stop_signal(0); }

  static constexpr const char* kTrain = R"(
echo '{"step":10,"tokens":2560,"valid_perplexity":20.5,"valid_masked_tokens":9,"elapsed_seconds":1.0}' > $dir/log.jsonl)";

  /// A script that finds the run's folder in its arguments as $dir, and counts its calls.
  void program(const std::string& name, const std::string& body) const {
    write("programs/" + name,
          "#!/bin/sh\necho \"$*\" >> '" + file("calls") +
              "'\nfor word in \"$@\"; do case $word in run.dir=*) "
              "dir=$(echo \"$word\" | sed \"s/run.dir='//; s/'//\");; esac; done\n" +
              body + "\n");
    fs::permissions(file("programs/" + name), fs::perms::owner_all);
  }
  RunnerResult execute(const ExperimentPlan& plan) const {
    RunnerOptions options;
    options.output = file("out");
    options.programs = file("programs");
    options.version = "1";
    options.num_jobs = 2;
    options.num_cores = 4;
    options.flops_per_second = 1e9;
    options.stop_seconds = 0.5;
    return execute_plan(plan, options);
  }
  std::vector<std::string> calls() const {
    std::vector<std::string> lines;
    if (!fs::exists(file("calls"))) return lines;
    std::istringstream text(read_text_file(file("calls")));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  static size_t count(const RunnerResult& result, RunState state) {
    return static_cast<size_t>(std::count_if(result.outcomes.begin(), result.outcomes.end(),
                                             [&](const auto& one) { return one.state == state; }));
  }
};

TEST_F(ExperimentRunnerTest, ExecutesEachConfigurationOnce) {
  const ExperimentPlan plan = make_plan(options());
  const RunnerResult result = execute(plan);
  EXPECT_EQ(count(result, RunState::kDone), plan.runs.size());
  EXPECT_THAT(calls(), SizeIs(9));  // tasks/same is curves/k8
  EXPECT_THAT(result.records, SizeIs(9));
  const RunRecord& record = result.records.at(run_of(plan, "curves/k8/seed-1").hash);
  EXPECT_EQ(record.id, "curves/k8/seed-1");
  EXPECT_EQ(record.threads, 2);
  EXPECT_DOUBLE_EQ(*value_of(record, "perplexity"), 20.5);
  EXPECT_DOUBLE_EQ(
      *value_of(result.records.at(run_of(plan, "tasks/groups/seed-1").hash), "perplexity"), 12.5);
  // What is fine-tuned is the model of the run that was executed.
  bool found = false;
  for (const std::string& line : calls()) {
    found = found ||
            (line.find("run.init_from='" + file("out/runs/curves/k8/seed-1")) != std::string::npos);
  }
  EXPECT_TRUE(found);
}

TEST_F(ExperimentRunnerTest, RepeatsNothing) {
  const ExperimentPlan plan = make_plan(options());
  execute(plan);
  const size_t before = calls().size();
  const RunnerResult again = execute(plan);
  EXPECT_EQ(calls().size(), before);
  EXPECT_EQ(count(again, RunState::kDone), plan.runs.size());
}

TEST_F(ExperimentRunnerTest, TakesRecordsOfOtherReports) {
  const ExperimentPlan plan = make_plan(options());
  RunnerOptions options;
  options.known = execute(plan).records;
  fs::remove_all(file("out"));
  fs::remove(file("calls"));
  options.output = file("out");
  options.programs = file("programs");
  options.flops_per_second = 1e9;
  const RunnerResult result = execute_plan(plan, options);
  EXPECT_EQ(count(result, RunState::kDone), plan.runs.size());
  EXPECT_THAT(calls(), IsEmpty());
}

TEST_F(ExperimentRunnerTest, TrainsAgainWhereAMissingRunNeedsTheModel) {
  const ExperimentPlan plan = make_plan(options());
  execute(plan);
  fs::remove(file("calls"));
  fs::remove(record_path(file("out"), "tasks/rte/seed-1"));
  execute(plan);
  EXPECT_THAT(calls(), SizeIs(2));  // the scripts leave no checkpoint: k8 is trained for it
}

TEST_F(ExperimentRunnerTest, FailureLeavesTheOthersAlone) {
  program("linformer-train", std::string("case $dir in */k8/*) echo 'linformer-train: error: the "
                                         "disk is full' >&2; exit 1;; esac") +
                                 kTrain);
  const ExperimentPlan plan = make_plan(options());
  const RunnerResult result = execute(plan);
  EXPECT_EQ(count(result, RunState::kFailed), 3u);   // k8 twice, and the run equal to it
  EXPECT_EQ(count(result, RunState::kBlocked), 2u);  // rte, mrpc
  EXPECT_EQ(count(result, RunState::kDone), 5u);
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    if (plan.runs[i].id() == "curves/k8/seed-1") {
      EXPECT_EQ(result.outcomes[i].reason, "the disk is full");
    }
    if (plan.runs[i].id() == "tasks/rte/seed-1") {
      EXPECT_THAT(result.outcomes[i].reason, HasSubstr("whose model it reads, failed"));
    }
  }
  program("linformer-train", kTrain);
  EXPECT_EQ(count(execute(plan), RunState::kDone), plan.runs.size());
}

TEST_F(ExperimentRunnerTest, SilentFailuresAreNamedByTheirCode) {
  program("linformer-train", "exit 7");
  const RunnerResult result = execute(make_plan(options({"curves"}, 1)));
  EXPECT_THAT(result.outcomes.front().reason, HasSubstr("exit code 7"));
  program("linformer-train", "true");
  EXPECT_THAT(execute(make_plan(options({"curves"}, 1))).outcomes.front().reason,
              HasSubstr("log.jsonl"));
}

TEST_F(ExperimentRunnerTest, CrashesAndLongMessagesAreNamedShortly) {
  program("linformer-train", "kill -SEGV $$");
  const ExperimentPlan plan = make_plan(options({"curves"}, 1));
  EXPECT_THAT(execute(plan).outcomes.front().reason,
              HasSubstr("exit code 139 (Segmentation fault), see "));
  program("linformer-train",
          "printf 'error: \\033[31m' >&2; head -c 9000 /dev/zero | tr '\\0' x >&2; "
          "exit 3");
  const std::string reason = execute(plan).outcomes.front().reason;
  EXPECT_LT(reason.size(), 2300u);
  EXPECT_THAT(reason, AllOf(HasSubstr("... (see "), Not(HasSubstr("\033"))));
}

TEST_F(ExperimentRunnerTest, ProgramsThatCannotStartLeaveTheOthersAlone) {
  write("experiments/tasks.yaml", R"(
title: T
measurements:
  - {name: none, commands: [linformer-none]}
  - {name: later, commands: ["linformer-eval x", ./none]}
  - {name: whole, commands: [linformer-eval y]}
)");
  const RunnerResult result = execute(make_plan(options({"tasks"}, 1)));
  EXPECT_EQ(count(result, RunState::kDone), 1u);
  ASSERT_EQ(count(result, RunState::kFailed), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_THAT(result.outcomes[i].reason, HasSubstr("cannot start the program"));
  }
}

TEST_F(ExperimentRunnerTest, AFolderThatCannotBeMadeLeavesTheOthersAlone) {
  write("out/runs/curves/k8", "a file in place of the folder");
  const RunnerResult result = execute(make_plan(options({"curves"}, 1)));
  EXPECT_EQ(count(result, RunState::kDone), 2u);
  EXPECT_EQ(count(result, RunState::kFailed), 1u);
}

// A run that is stopped while it only makes a model again has a record and a model of some step.
TEST_F(ExperimentRunnerTest, OnlyTheLastModelIsMeasured) {
  const ExperimentPlan plan = make_plan(options({"tasks"}, 1));
  execute(plan);
  const PlannedRun& model = run_of(plan, "curves/k16/seed-1");
  const RunRecords records = read_records(file("out"));
  fs::remove(record_path(file("out"), "tasks/groups/seed-1"));
  RunRecords without = read_records(file("out"));
  ASSERT_EQ(without.size() + 1, records.size());
  const auto trains_again = [&] {
    const std::vector<size_t> missing = missing_runs(plan, without, file("out"));
    return std::any_of(missing.begin(), missing.end(),
                       [&](size_t i) { return plan.runs[i].id() == model.id(); });
  };
  const auto save = [&](const std::string& step) {
    const std::string folder = model.folder + "/checkpoints/step-" + step;
    make_directories(folder);
    write_file_atomically(folder + "/model.safetensors", "weights");
    write_manifest(folder);
  };
  EXPECT_TRUE(trains_again());
  save("00000005");
  EXPECT_TRUE(trains_again());
  save("00000010");
  EXPECT_FALSE(trains_again());
  write_file_atomically(model.folder + "/unfinished", "");
  EXPECT_TRUE(trains_again());
  execute(plan);
  EXPECT_FALSE(fs::exists(model.folder + "/unfinished"));
}

TEST_F(ExperimentRunnerTest, MeasurementsThatIgnoreASignalAreEnded) {
  write("experiments/tasks.yaml",
        "title: T\nmeasurements: [{name: a, commands: [linformer-eval x]}]\n");
  program("linformer-eval", "trap '' TERM; kill -INT $PPID; while true; do sleep 0.1; done");
  install_signals();
  defer_stop_signals();
  const RunnerResult stopped = execute(make_plan(options({"tasks"}, 1)));
  EXPECT_FALSE(stopped.complete);
  EXPECT_EQ(count(stopped, RunState::kWaiting), 1u);
}

TEST_F(ExperimentRunnerTest, RefusesAFolderOfAnotherConfiguration) {
  execute(make_plan(options({"curves"}, 1)));
  write("experiments/scales/tiny/pretraining.yaml",
        read_text_file(file("experiments/scales/tiny/pretraining.yaml")) +
            "evaluation: {every: 5}\n");
  const ExperimentPlan plan = make_plan(options({"curves"}, 1));
  EXPECT_THAT(
      message_of<UsageError>([&] { execute(plan); }),
      AllOf(HasSubstr("out/runs/curves/standard/seed-1: holds a run of another"),
            HasSubstr("evaluation.every is 5, was "), HasSubstr("choose another --output")));
}

TEST_F(ExperimentRunnerTest, StopsInOrderAndGoesOn) {
  program("linformer-train",
          std::string("case $dir in */k8/*) kill -INT $PPID; sleep 60;; esac") + kTrain);
  const ExperimentPlan plan = make_plan(options({"curves"}, 1));
  install_signals();
  defer_stop_signals();
  const RunnerResult stopped = execute(plan);
  EXPECT_FALSE(stopped.complete);
  EXPECT_GE(count(stopped, RunState::kWaiting), 1u);
  EXPECT_EQ(count(stopped, RunState::kFailed), 0u);
  set_stop_signal(0);
  program("linformer-train", kTrain);
  const RunnerResult result = execute(plan);
  EXPECT_TRUE(result.complete);
  EXPECT_EQ(count(result, RunState::kDone), plan.runs.size());
}

TEST_F(ExperimentRunnerTest, MeasurementsOfTimeRunAlone) {
  write("experiments/tasks.yaml", R"(
title: T
measurements:
  - {name: a, alone: true, commands: ["linformer-bench x --json"]}
  - {name: b, alone: true, commands: ["linformer-bench y --json"]}
  - {name: c, commands: ["linformer-eval z --json"]}
)");
  const std::string others = file("others");
  const std::string body =
      "mkdir " + others + " || exit 3\nsleep 0.1; rmdir " + others + "\necho '{}'";
  program("linformer-bench", body);
  program("linformer-eval", body);
  const RunnerResult result = execute(make_plan(options({"tasks"}, 1)));
  EXPECT_EQ(count(result, RunState::kDone), 3u);
  for (const std::string& line : calls()) {
    EXPECT_THAT(line, HasSubstr(line[0] == 'z' ? "--threads 2" : "--threads 4"));
  }
}

TEST_F(ExperimentRunnerTest, CommandsOfAMeasurementFollowEachOther) {
  write("experiments/tasks.yaml", R"(
title: T
measurements:
  - name: a
    commands: ["linformer-convert {folder}/model", "linformer-eval {folder}/model --json"]
)");
  program("linformer-convert", "echo made > \"$1\"");
  program("linformer-eval", "echo \"{\\\"made\\\": $(grep -c made \"$1\")}\"");
  const ExperimentPlan plan = make_plan(options({"tasks"}, 1));
  const RunnerResult result = execute(plan);
  ASSERT_EQ(count(result, RunState::kDone), 1u) << result.outcomes[0].reason;
  EXPECT_DOUBLE_EQ(*value_of(result.records.begin()->second, "made"), 1.0);
}

TEST(RunClock, LearnsFromRunsThatAreDone) {
  RunClock clock(100.0);
  PlannedRun training, measurement;
  training.flops = 1000.0;
  measurement.seconds = 4.0;
  EXPECT_DOUBLE_EQ(clock.seconds_of(training), 10.0);
  EXPECT_DOUBLE_EQ(clock.seconds_of(measurement), 4.0);
  clock.learn(training, 20.0);  // 50 FLOP/s
  clock.learn(measurement, 2.0);
  EXPECT_DOUBLE_EQ(clock.seconds_of(training), 20.0);
  EXPECT_DOUBLE_EQ(clock.seconds_of(measurement), 2.0);
}

}  // namespace
}  // namespace linformer
