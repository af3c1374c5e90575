// linformer-report, from experiments to the page, with the programs of this build.
#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/train_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ReportProgramTest : public TrainProgramTest {
 protected:
  void SetUp() override {
    TrainProgramTest::SetUp();
    write("scales/tiny/pretraining.yaml", read_text_file(config()));
    write("scales/tiny/finetuning.yaml",
          "finetune: {epochs: 1}\ntraining: {learning_rate: 1.0e-2}\n");
    write("scales/tiny/scale.yaml", R"(
about: A tiny scale.
cost: "Seconds."
pretraining: pretraining.yaml
finetuning: finetuning.yaml
seeds: 2
automatic: true
prepare: [{creates: )" + file("made") + R"(, command: "touch )" +
                                        file("made") + R"("}]
values: {ks: [8, 16]}
)");
    write("paper.yaml", "title: A report\nexperiments: [curves, split]\n");
    write("curves.yaml", R"(
title: Curves
pretraining:
  - {name: standard, label: standard attention, set: [model.attention.type=standard]}
  - {name: "k{k}", each: {k: "{ks}"}, set: ["model.attention.projected_length={k}"]}
panels:
  - {kind: curves, title: "n = {n}", baseline: standard, margin: 0.05}
)");
    write("split.yaml", R"(
title: Split
measurements:
  - name: "groups"
    model: curves/standard
    commands: ["linformer-eval perplexity --checkpoint {checkpoint} --data )" +
                            file("valid") + R"( --max-sequences 8 --by distance --json"]
panels:
  - {kind: loss_groups, title: By distance, runs: [groups], value: distance}
)");
  }

  void write(const std::string& name, const std::string& text) const {
    const std::string path = file("experiments/" + name);
    make_directories(fs::path(path).parent_path().string());
    write_file_atomically(path, text);
  }
  ProgramResult report(const std::vector<std::string>& arguments,
                       const ProgramOptions& options = {}) const {
    std::vector<std::string> command{"linformer-report",  "paper",    "--experiments",
                                     file("experiments"), "--output", file("out")};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_child(command, options);
  }
  nlohmann::json data() const {
    return nlohmann::json::parse(read_text_file(file("out/report.json")));
  }
};

TEST_F(ReportProgramTest, MakesThePageAndRepeatsNothing) {
  const ProgramResult first = report({"--jobs", "2"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(first.out, file("out/report.html") + "\n");
  EXPECT_TRUE(fs::exists(file("made")));
  EXPECT_EQ(data()["records"].size(), 8u);
  const std::string html = read_text_file(file("out/report.html"));
  EXPECT_THAT(html, AllOf(HasSubstr("standard attention"), HasSubstr("<svg"),
                          HasSubstr("linformer-train --config"), HasSubstr("seed 2"),
                          Not(HasSubstr("What is missing"))));
  EXPECT_THAT(read_text_file(file("out/curves.csv")), HasSubstr("curves,k8,2,"));
  EXPECT_THAT(read_text_file(file("out/values.csv")), HasSubstr("by.distance.0.perplexity"));
  const ProgramResult again = report({});
  ASSERT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err,
              AllOf(HasSubstr("8 of them done already; 0 to execute"), Not(HasSubstr("1/"))));
}

TEST_F(ReportProgramTest, RecordsOfAnEarlierReportCount) {
  ASSERT_EQ(report({"--only", "curves", "--seeds", "1"}).exit_code, 0);
  fs::rename(file("out/report.json"), file("before.json"));
  fs::remove_all(file("out"));
  const ProgramResult result =
      report({"--only", "curves", "--seeds", "1", "--from", file("before.json")});
  ASSERT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("0 to execute"));
  EXPECT_FALSE(fs::exists(file("out/runs")));
  EXPECT_EQ(data()["records"].size(), 3u);
}

TEST_F(ReportProgramTest, StoppedOneGoesOn) {
  bool sent = false;
  ProgramOptions options;
  options.meanwhile = [&](pid_t pid) {
    if (sent || !fs::exists(file("out/records/curves"))) return;
    ::kill(pid, SIGTERM);
    sent = true;
  };
  const ProgramResult stopped = report({"--seeds", "1", "--jobs", "1"}, options);
  ASSERT_EQ(stopped.exit_code, 128 + SIGTERM) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("the same command continues"));
  EXPECT_THAT(read_text_file(file("out/report.html")), HasSubstr("What is missing"));
  const size_t done = data()["records"].size();
  EXPECT_GE(done, 1u);
  EXPECT_LT(done, 4u);
  const ProgramResult result = report({"--seeds", "1", "--jobs", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(data()["records"].size(), 4u);
}

TEST_F(ReportProgramTest, FailedRunsAreNamedAndTheOthersKept) {
  write("split.yaml", R"(
title: Split
measurements:
  - {name: bad, model: curves/standard, commands: ["linformer-eval perplexity --checkpoint {checkpoint} --data nowhere.txt --json"]}
)");
  const ProgramResult result = report({"--seeds", "1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("split/bad/seed-1 failed: "), HasSubstr("nowhere.txt"),
                                HasSubstr("1 run failed"), HasSubstr("fix: ")));
  EXPECT_THAT(read_text_file(file("out/report.html")), HasSubstr("nowhere.txt"));
  EXPECT_EQ(data()["records"].size(), 3u);
}

TEST_F(ReportProgramTest, DryRunExecutesNothing) {
  const ProgramResult result = report({"--dry-run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("curves/k8"), HasSubstr("8 runs of 8 to execute"),
                                HasSubstr("hours")));
  EXPECT_FALSE(fs::exists(file("out")));
  EXPECT_FALSE(fs::exists(file("made")));
}

TEST_F(ReportProgramTest, PageOnlyUsesWhatThereIs) {
  const ProgramResult result = report({"--page-only"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(read_text_file(file("out/report.html")), HasSubstr("8 runs not executed yet"));
  EXPECT_FALSE(fs::exists(file("out/runs")));
}

TEST_F(ReportProgramTest, RefusesBeforeAnythingRuns) {
  const struct {
    std::vector<std::string> arguments;
    const char* what;
  } cases[] = {
      {{"--only", "curvs"}, "did you mean curves?"},
      {{"--scale", "tyny"}, "did you mean tiny?"},
      {{"--jobs", "-1"}, "--jobs"},
      {{"--from", file("none.json")}, "none.json"},
  };
  for (const auto& one : cases) {
    const ProgramResult result = report(one.arguments);
    EXPECT_NE(result.exit_code, 0);
    EXPECT_THAT(result.err, AllOf(HasSubstr(one.what), HasSubstr("fix: ")));
    EXPECT_FALSE(fs::exists(file("out/runs")));
  }
}

TEST_F(ReportProgramTest, SaysWhichCommandsMakeMissingData) {
  std::string scale = read_text_file(file("experiments/scales/tiny/scale.yaml"));
  scale.replace(scale.find("automatic: true"), 15, "automatic: false");
  scale.replace(scale.find("touch " + file("made")), 6, "cp {sources}/text ");
  write("scales/tiny/scale.yaml", scale);
  const ProgramResult refused = report({});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("cp SOURCES/text " + file("made")),
                                 HasSubstr("--prepare --sources FOLDER")));
  EXPECT_THAT(report({"--prepare"}).err, HasSubstr("--sources: is missing"));
  make_directories(file("sources"));
  EXPECT_THAT(report({"--prepare", "--sources", file("sources")}).err,
              AllOf(HasSubstr("could not be made"), HasSubstr("prepare.log")));
  write_file_atomically(file("sources/text"), "x");
  const ProgramResult result =
      report({"--prepare", "--sources", file("sources"), "--only", "curves", "--seeds", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(ReportProgramTest, AsksOnlyForDataOfTheChosenExperiments) {
  std::string scale = read_text_file(file("experiments/scales/tiny/scale.yaml"));
  scale.replace(scale.find("automatic: true"), 15, "automatic: false");
  // Only the measurement of split names these held-out sequences.
  std::string split = read_text_file(file("experiments/split.yaml"));
  split.replace(split.find("--data " + file("valid")), 7 + file("valid").size(),
                "--data " + file("other"));
  write("split.yaml", split);
  scale.replace(scale.find(file("made")), file("made").size(), file("other"));
  write("scales/tiny/scale.yaml", scale);
  EXPECT_EQ(report({"--only", "curves", "--seeds", "1"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(file("other")));
  EXPECT_THAT(report({"--only", "split", "--seeds", "1"}).err, HasSubstr("its data are not there"));
}

TEST_F(ReportProgramTest, InterruptedPreparationIsDoneAgain) {
  const std::string script = file("prepare.sh");
  write_file_atomically(script, "echo half > $1; echo begun >> " + file("begun") + "; test -e " +
                                    file("go") +
                                    " || sleep 30; test \"$(cat $1)\" = half || exit 3; "
                                    "echo whole > $1\n");
  std::string scale = read_text_file(file("experiments/scales/tiny/scale.yaml"));
  scale.replace(scale.find("touch " + file("made")), 6, "sh " + script + " ");
  write("scales/tiny/scale.yaml", scale);
  bool sent = false;
  ProgramOptions options;
  for (const int signal_number : {SIGTERM, SIGKILL}) {
    fs::remove(file("begun"));
    options.meanwhile = [&](pid_t pid) {
      if (sent || !fs::exists(file("begun"))) return;
      ::kill(pid, signal_number);
      sent = true;
    };
    sent = false;
    EXPECT_EQ(report({"--only", "curves", "--seeds", "1"}, options).exit_code, 128 + signal_number);
    EXPECT_EQ(read_text_file(file("made")), "half\n");
    EXPECT_FALSE(fs::exists(file("out/runs")));
  }
  write_file_atomically(file("go"), "");
  const ProgramResult result = report({"--only", "curves", "--seeds", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_text_file(file("made")), "whole\n");
  EXPECT_FALSE(fs::exists(file("made.prepare.log")));
}

TEST_F(ReportProgramTest, AnyNameOfAFolderComesThrough) {
  const std::string output = file("it's \"a\" $folder");
  const ProgramResult result = run_child({"linformer-report", "paper", "--experiments",
                                          file("experiments"), "--output", output, "--seeds", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto data = nlohmann::json::parse(read_text_file(output + "/report.json"));
  EXPECT_EQ(data["records"].size(), 4u);
}

TEST_F(ReportProgramTest, OneBadRecordCostsItsPanelAlone) {
  ASSERT_EQ(report({"--seeds", "1"}).exit_code, 0);
  const std::string path = file("out/records/split/groups/seed-1.json");
  auto record = nlohmann::json::parse(read_text_file(path));
  record["result"]["by"]["distance"][0] = 7;
  write_file_atomically(path, record.dump());
  const ProgramResult result = report({"--page-only"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("split.yaml:"), HasSubstr("the panel 'By distance'"),
                                HasSubstr("fix: mend the cause that each warning above names")));
  EXPECT_THAT(read_text_file(file("out/report.html")),
              AllOf(HasSubstr("standard attention"), HasSubstr("could not be made")));
}

TEST_F(ReportProgramTest, EarlierReportsThatContradictAreNamed) {
  ASSERT_EQ(report({"--only", "curves", "--seeds", "1"}).exit_code, 0);
  auto other = data();
  other["records"][0]["result"]["perplexity"] = 1.5;
  write_file_atomically(file("other.json"), other.dump());
  const ProgramResult result =
      report({"--only", "curves", "--seeds", "1", "--from", file("other.json"), "--page-only"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("out/records: 1 results differ from those read before"));
  EXPECT_NE(data()["records"][0]["result"]["perplexity"], 1.5);
}

TEST_F(ReportProgramTest, PanelsAreRefusedBeforeAnythingRuns) {
  write("split.yaml",
        "title: Split\npretraining: [{name: a}]\npanels: [{kind: curves, title: T, baseline: "
        "none}]\n");
  const ProgramResult result = report({});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("has no baseline 'none'"));
  EXPECT_FALSE(fs::exists(file("out")));
}

TEST_F(ReportProgramTest, WithoutGnuplotNothingRuns) {
  ProgramOptions options;
  options.environment = {"PATH=" + file("empty")};
  const ProgramResult result = report({}, options);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("gnuplot"), HasSubstr("--no-page")));
  EXPECT_FALSE(fs::exists(file("out/runs")));
}

TEST_F(ReportProgramTest, WithoutAPageTheRunsNeedNoGnuplot) {
  fs::create_directories(file("tools"));
  for (const char* tool : {"touch", "sh", "env"}) {
    fs::create_symlink(std::string("/usr/bin/") + tool, file("tools/") + tool);
  }
  ProgramOptions options;
  options.environment = {"PATH=" + file("tools")};
  const ProgramResult result = report({"--no-page"}, options);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("out/report.json"));
  EXPECT_FALSE(fs::exists(file("out/report.html")));
  // Its file makes the page elsewhere.
  fs::rename(file("out/report.json"), file("report.json"));
  fs::remove_all(file("out"));
  const ProgramResult page = report({"--page-only", "--from", file("report.json")});
  ASSERT_EQ(page.exit_code, 0) << page.err;
  EXPECT_TRUE(fs::exists(file("out/report.html")));
  EXPECT_EQ(report({"--page-only", "--no-page"}).exit_code, 2);
  EXPECT_EQ(report({"--page-only", "--dry-run"}).exit_code, 2);
  fs::remove_all(file("out"));
  const ProgramResult nothing = report({"--page-only"});
  EXPECT_EQ(nothing.exit_code, 0);
  EXPECT_THAT(nothing.err, HasSubstr("holds no finished run of these experiments"));
  const ProgramResult missing = report({"--from", file("nowhere.json")});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("nowhere.json: no such report"));
  EXPECT_EQ(report({"--dry-run", "--sources", file("nowhere")}).exit_code, 2);
}

TEST_F(ReportProgramTest, ListsExperimentsAndScales) {
  const ProgramResult result = report({"--list"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("curves"), HasSubstr("Split"), HasSubstr("tiny"),
                                HasSubstr("Seconds.")));
}

}  // namespace
}  // namespace linformer
