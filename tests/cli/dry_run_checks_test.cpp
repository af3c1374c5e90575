// What dry runs refuse, and which options of linformer-train and linformer-finetune exclude each
// other.
#include "cli/train_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class DryRunChecks : public TrainProgramTest {};

TEST_F(DryRunChecks, RefuseWhatTheRunRefuses) {
  write_file_atomically(file("a-file"), "x");
  struct Case {
    std::vector<std::string> settings, more;
    std::string message;
  };
  const std::vector<Case> cases{
      {{"run.init_from=" + file("none")}, {}, "none"},
      {{"run.dir=" + file("a-file")}, {}, "is a file"},
      {{"data.train=[" + file("none") + "]"}, {}, "none"},
      {{}, {"--expect", file("none.yaml")}, "none.yaml"},
  };
  for (Case one : cases) {
    one.more.push_back("--dry-run");
    const ProgramResult result = train("dry", one.settings, {}, one.more);
    EXPECT_EQ(result.exit_code, 2) << one.message << "\n" << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(one.message), HasSubstr("fix: ")));
    EXPECT_FALSE(fs::exists(file("dry")));
  }
}

TEST_F(DryRunChecks, SayThatARunWouldGoOn) {
  const std::vector<std::string> short_run{"training.max_steps=2", "evaluation.every=0"};
  ASSERT_EQ(train("run", short_run).exit_code, 0);
  EXPECT_THAT(train("run", short_run, {}, {"--dry-run"}).err,
              HasSubstr("would go on from " + file("run") + "/checkpoints/"));
}

TEST_F(DryRunChecks, OptionsThatExcludeEachOtherAreRefused) {
  const std::vector<std::vector<std::string>> refused{
      {"--dry-run", "--verify-resume"},
      {"--overfit-one-batch", "--verify-resume"},
      {"--seeds", "2", "--verify-resume"},
      {"--seeds", "2", "--overfit-one-batch"},
      {"--seeds", "2", "--dry-run", "--json"},
      {"--verify-resume", "--json"},
      {"--dry-run", "--json"},
      {"--jobs", "2"},
      {"--keep-models"},
  };
  for (const auto& options : refused) {
    const ProgramResult result = train("no", {}, {}, options);
    EXPECT_EQ(result.exit_code, 2) << options.back() << "\n" << result.err;
    EXPECT_THAT(result.err, HasSubstr("fix: "));
    EXPECT_FALSE(fs::exists(file("no")));
  }
  EXPECT_EQ(train("one", {}, {}, {"--seeds", "1", "--dry-run"}).exit_code, 0);
}

TEST_F(DryRunChecks, OfFineTuningNeedAModel) {
  const std::vector<std::string> task{"linformer-finetune",
                                      "--output",
                                      file("f"),
                                      "--model",
                                      file("none"),
                                      "--dry-run",
                                      "--set",
                                      "task.name=mine",
                                      "task.train=[" + file("t.tsv") + "]",
                                      "task.text_column=text",
                                      "task.label_column=label"};
  write_file_atomically(file("t.tsv"), "text\tlabel\na\t1\nb\t0\n");
  for (const auto& more : std::vector<std::vector<std::string>>{
           {}, {"--json"}, {"--seeds", "2"}, {"--baseline", "bag-of-words"}}) {
    std::vector<std::string> command = task;
    command.insert(command.begin() + 1, more.begin(), more.end());
    const ProgramResult result = run_child(command);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr("fix: "));
    EXPECT_FALSE(fs::exists(file("f")));
  }
}

}  // namespace
}  // namespace linformer
