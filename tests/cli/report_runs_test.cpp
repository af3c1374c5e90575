// linformer-report list, run, compare and expected, and linformer-train --expect, with runs of this
// build.
#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/train_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class ReportRunsTest : public TrainProgramTest {
 protected:
  ProgramResult report(const std::vector<std::string>& arguments,
                       const ProgramOptions& options = {}) const {
    std::vector<std::string> command{"linformer-report"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_child(command, options);
  }
  nlohmann::json list(const std::string& folder) const {
    const ProgramResult result = report({"list", folder, "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  }
  /// The events of a run's journal, in their order.
  std::string events(const std::string& name) const {
    std::string found;
    std::istringstream lines(read_text_file(file(name) + "/journal.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      found += nlohmann::json::parse(line)["event"].get<std::string>() + " ";
    }
    return found;
  }
};

TEST_F(ReportRunsTest, ListsRunsWithTheirState) {
  ASSERT_EQ(train("runs/a").exit_code, 0);
  ASSERT_EQ(train("runs/deep/b", {"training.max_hours=1e-9"}).exit_code, 0);
  const nlohmann::json runs = list(file("runs"));
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0]["run"], file("runs/a"));
  EXPECT_EQ(runs[0]["state"], "finished");
  EXPECT_EQ(runs[0]["kind"], "pretraining");
  EXPECT_EQ(runs[0]["step"], 60);
  EXPECT_EQ(runs[0]["total_steps"], 60);
  EXPECT_EQ(runs[0]["device"], "cpu");
  EXPECT_EQ(runs[0]["precision"], "fp32");
  EXPECT_EQ(runs[0]["best"]["name"], "valid_perplexity");
  EXPECT_GT(runs[0]["best"]["value"], 1.0);
  EXPECT_EQ(runs[1]["reason"], "time is up");
  const ProgramResult table = report({"list", file("runs")});
  EXPECT_THAT(table.out, AllOf(HasSubstr("last written"), HasSubstr("finished"),
                               HasSubstr("time is up"), HasSubstr("cpu fp32")));
  EXPECT_EQ(report({"list", file("none")}).exit_code, 2);
  fs::create_directories(file("empty"));
  EXPECT_THAT(report({"list", file("empty")}).out, HasSubstr("no runs below"));
}

TEST_F(ReportRunsTest, AKilledRunIsSeenAsOneAndItsResumingToo) {
  ASSERT_EQ(train("runs/a", {"training.max_steps=15"}).exit_code, 0);
  EXPECT_THAT(events("runs/a"), MatchesRegex("started (warning )*(saved )+ended "));
  ASSERT_EQ(train("runs/a", {"training.max_steps=25"}).exit_code, 0);
  EXPECT_THAT(events("runs/a"), MatchesRegex(".*ended started (warning )+(saved )+ended "));
  // As after a kill: the journal lacks its end.
  std::string journal = read_text_file(file("runs/a/journal.jsonl"));
  journal.resize(journal.rfind("{"));
  write_file_atomically(file("runs/a/journal.jsonl"), journal);
  EXPECT_EQ(list(file("runs"))[0]["state"], "failed");
}

TEST_F(ReportRunsTest, TrainingWritesThePageAndDoesWithoutGnuplot) {
  ASSERT_EQ(train("a", {}).exit_code, 0);
  const std::string page = read_text_file(file("a/report.html"));
  EXPECT_THAT(page, AllOf(HasSubstr("finished"), HasSubstr("Held-out perplexity"),
                          HasSubstr("model.hidden_size"), HasSubstr("linformer-train --config")));
  ProgramOptions options;
  options.environment = {"PATH=" + file("empty")};
  const ProgramResult without = train("b", {}, options);
  EXPECT_EQ(without.exit_code, 0) << without.err;
  EXPECT_THAT(without.err, AllOf(HasSubstr("report.html is not written"), HasSubstr("gnuplot")));
  EXPECT_FALSE(fs::exists(file("b/report.html")));
  const ProgramResult later = report({"run", file("b")});
  EXPECT_EQ(later.out, file("b/report.html") + "\n") << later.err;
  EXPECT_TRUE(fs::exists(file("b/report.html")));
  EXPECT_EQ(report({"run", file("none")}).exit_code, 2);
}

TEST_F(ReportRunsTest, ComparesRunsAsTablesAndPage) {
  ASSERT_EQ(train("a", {}).exit_code, 0);
  ASSERT_EQ(train("b", {"model.attention.projected_length=8"}).exit_code, 0);
  const ProgramResult table =
      report({"compare", file("a"), file("b"), "--output", file("page.html")});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(ContainsRegex("model.attention.projected_length +16 +8"),
                               HasSubstr("best held-out perplexity"), HasSubstr("page.html"),
                               Not(HasSubstr("run.dir"))));
  EXPECT_THAT(read_text_file(file("page.html")), HasSubstr("over tokens"));
  const ProgramResult json = report({"compare", file("a"), file("b"), "--no-page", "--json"});
  EXPECT_EQ(nlohmann::json::parse(json.out)["differing_settings"],
            nlohmann::json::parse(R"({"model.attention.projected_length": ["16", "8"]})"));
  EXPECT_EQ(report({"compare", file("a")}).exit_code, 2);
  EXPECT_EQ(report({"compare", file("a"), file("none")}).exit_code, 2);
}

TEST_F(ReportRunsTest, RunsAreComparedWithWhatIsExpected) {
  std::vector<std::string> command{"expected"};
  for (const std::string seed : {"1", "2", "3"}) {
    ASSERT_EQ(train("seed-" + seed, {"run.seed=" + seed}).exit_code, 0);
    command.push_back(file("seed-" + seed));
  }
  // Where linformer-train looks for the configuration "configs/pretrain.yaml".
  fs::create_directories(file("configs"));
  const std::string path = file("expected/pretrain.yaml");
  command.insert(command.end(), {"--output", path});
  const ProgramResult made = report(command);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, AllOf(HasSubstr("held-out loss"), HasSubstr(path)));
  const std::vector<std::string> named{"--expect", path};
  const ProgramResult inside = train("again", {}, {}, named);  // seed 1 again
  EXPECT_EQ(inside.exit_code, 0) << inside.err;
  EXPECT_THAT(inside.out, HasSubstr("expected curve: inside the expected band at all 4"));
  EXPECT_THAT(read_text_file(file("again/report.html")), HasSubstr("inside the expected band"));
  // A learning rate that learns nothing, in a run that is compared because the user says so.
  const ProgramResult outside = train("slow", {"training.learning_rate=1e-9"}, {}, named);
  EXPECT_EQ(outside.exit_code, 0) << outside.err;
  EXPECT_THAT(outside.err,
              AllOf(HasSubstr("training.learning_rate is"), HasSubstr("is above the expected")));
  EXPECT_THAT(outside.out, HasSubstr("outside the expected band"));
  // Found by its name, for runs of its settings alone.
  write_file_atomically(file("configs/pretrain.yaml"), read_text_file(config()));
  const auto found = [&](const std::string& name, const std::vector<std::string>& settings) {
    std::vector<std::string> words{"linformer-train", "--config", file("configs/pretrain.yaml"),
                                   "--set", "run.dir=" + file(name)};
    for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
    return run_child(words, {});
  };
  EXPECT_THAT(found("f1", {"run.seed=2"}).out, HasSubstr("inside the expected band"));
  const ProgramResult other = found("f2", {"training.max_steps=30"});
  EXPECT_THAT(other.err, AllOf(HasSubstr("not compared with"), HasSubstr("training.max_steps")));
  EXPECT_THAT(other.out, Not(HasSubstr("expected")));
  EXPECT_EQ(train("x", {}, {}, {"--expect", file("none.yaml")}).exit_code, 2);
  EXPECT_EQ(report({"expected", file("seed-1"), "--output", file("e.yaml")}).exit_code, 2);
}

}  // namespace
}  // namespace linformer
