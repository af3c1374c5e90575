// Runs on a file system without symbolic links and locks (poor_file_system.cpp).
#include <nlohmann/json.hpp>

#include "cli/train_fixture.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

int64_t count_of(const std::string& text, const std::string& part) {
  int64_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

class FileSystemTest : public TrainProgramTest {
 protected:
  static ProgramOptions poor() {
    return {.environment = {std::string("LD_PRELOAD=") + LINFORMER_POOR_FILE_SYSTEM}};
  }
  static std::vector<std::string> steps(int64_t count) {
    return {"training.max_steps=" + std::to_string(count), "checkpoint.every=10", "run.threads=1"};
  }
  /// As a program there would see it.
  static ProgramResult there(const std::vector<std::string>& command, std::string input = "") {
    ProgramOptions options = poor();
    options.standard_input = std::move(input);
    return run_child(command, options);
  }
};

TEST_F(FileSystemTest, ARunGoesOnWithoutLinksAndLocksAndSaysSoOnce) {
  ASSERT_EQ(train("rich", steps(40)).exit_code, 0);
  const ProgramResult first = train("poor", steps(20), poor());
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(count_of(first.err, "no symbolic links here"), 1) << first.err;
  EXPECT_EQ(count_of(first.err, "no locks on this file system"), 1) << first.err;
  const std::string checkpoints = file("poor") + "/checkpoints/";
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(checkpoints + "latest")));
  EXPECT_EQ(read_text_file(checkpoints + "latest"), "step-00000020\n");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(checkpoints + "best")));
  // What people are told to use is a folder.
  EXPECT_THAT(first.out, HasSubstr("model folder: " + checkpoints + "step-00000020"));
  const ProgramResult rest = train("poor", steps(40), poor());
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_THAT(rest.err, AllOf(HasSubstr("resumed from"), HasSubstr("at step 20"),
                              HasSubstr("The last one was process ")));
  EXPECT_EQ(read_text_file(checkpoints + "latest"), "step-00000040\n");
  EXPECT_TRUE(bits_of("poor", "step-00000040") == bits_of("rich", "step-00000040"));
  for (const auto& entry : fs::directory_iterator(checkpoints)) {
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("tmp")));
  }
  // Moved to a file system with links, the run takes them up again.
  const ProgramResult moved = train("poor", steps(50));
  ASSERT_EQ(moved.exit_code, 0) << moved.err;
  EXPECT_THAT(moved.err, Not(HasSubstr("no symbolic links here")));
  EXPECT_EQ(fs::read_symlink(checkpoints + "latest"), "step-00000050");
}

TEST_F(FileSystemTest, EveryReaderOfRunsFollowsTheFiles) {
  ASSERT_EQ(train("base", steps(20), poor()).exit_code, 0);
  const std::string latest = file("base") + "/checkpoints/latest";
  for (const std::string& model : {file("base"), file("base") + "/checkpoints", latest}) {
    const ProgramResult result = there(
        {"linformer-eval", "perplexity", "--checkpoint", model, "--data", file("valid"), "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  EXPECT_EQ(there({"linformer-data", "inspect", latest}).exit_code, 0);
  const ProgramResult filled = there(
      {"linformer-predict", "fill-mask", "--checkpoint", latest, "--text", "the <mask> house"});
  EXPECT_EQ(filled.exit_code, 0) << filled.err;
  const ProgramResult exported = there({"linformer-convert", "export", "--to", "hf", "--input",
                                        latest, "--output", file("exported")});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  std::string rows = "text\tlabel\n";
  for (int i = 0; i < 30; ++i) {
    rows += (i % 2 ? "a good river " : "a bad stone ") + std::to_string(i) +
            (i % 2 ? "\tgood\n" : "\tbad\n");
  }
  write_file_atomically(file("rows.tsv"), rows);
  std::vector<std::string> finetune{"linformer-finetune",
                                    "--task",
                                    "mood",
                                    "--model",
                                    latest,
                                    "--output",
                                    file("tuned"),
                                    "--set",
                                    "task.train=[" + file("rows.tsv") + "]",
                                    "task.valid=[" + file("rows.tsv") + "]",
                                    "task.text_column=text",
                                    "task.label_column=label",
                                    "finetune.epochs=3",
                                    "training.learning_rate=1e-2"};
  const ProgramResult tuned = there(finetune);
  ASSERT_EQ(tuned.exit_code, 0) << tuned.err;
  const std::string best = file("tuned") + "/checkpoints/best";
  const auto result = nlohmann::json::parse(read_text_file(file("tuned") + "/result.json"));
  char step[32];
  std::snprintf(step, sizeof(step), "step-%08d", result["best_step"].get<int>());
  EXPECT_EQ(read_text_file(best), std::string(step) + "\n");
  EXPECT_THAT(tuned.out, HasSubstr("model folder: " + file("tuned") + "/checkpoints/" + step));
  for (const std::string& model : {file("tuned"), best}) {
    const ProgramResult measured =
        there({"linformer-eval", "task", "--checkpoint", model, "--input", file("rows.tsv"),
               "--text-column", "text", "--label-column", "label", "--json"});
    ASSERT_EQ(measured.exit_code, 0) << measured.err;
    EXPECT_NEAR(nlohmann::json::parse(measured.out)["files"][0]["loss"].get<double>(),
                result["sets"][0]["loss"].get<double>(), 1e-6);
    const ProgramResult classified =
        there({"linformer-predict", "classify", "--checkpoint", model}, "a good river\n");
    EXPECT_EQ(classified.exit_code, 0) << classified.err;
  }
  // A fine-tuned model as a start: it is known where it comes from.
  finetune[4] = best;
  finetune[6] = file("again");
  ASSERT_EQ(there(finetune).exit_code, 0);
  const auto again = nlohmann::json::parse(read_text_file(file("again") + "/result.json"));
  EXPECT_EQ(again["setting"]["from"], "mood") << again;
}

// A path that a user gives may lead through a mark, as it may through a link.
TEST_F(FileSystemTest, PathsThroughTheFilesAreFollowed) {
  ASSERT_EQ(train("base", steps(20), poor()).exit_code, 0);
  const std::string latest = file("base") + "/checkpoints/latest";
  const std::string tokenizer = latest + "/tokenizer.model";
  const std::vector<std::vector<std::string>> commands{
      {"linformer-data", "prepare", "--input", valid_text(), "--tokenizer", tokenizer, "--output",
       file("prepared")},
      {"linformer-data", "inspect", file("prepared"), "--tokenizer", tokenizer},
      {"linformer-data", "why", "--data", file("prepared"), "--tokenizer", tokenizer, "--step", "1",
       "--max-sequence-length", "16"},
      {"linformer-convert", "import", "--from", "hf", "--input", latest, "--output", file("copy")},
      {"linformer-convert", "average", "--input", latest, file("copy"), "--output", file("mean")}};
  for (const std::vector<std::string>& command : commands) {
    const ProgramResult result = there(command);
    EXPECT_EQ(result.exit_code, 0) << command[0] << " " << command[1] << ": " << result.err;
  }
  std::vector<std::string> more = steps(20);
  more.insert(more.end(), {"tokenizer.model=" + tokenizer, "run.init_from=" + latest});
  const ProgramResult trained = train("more", more, poor());
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("weights from " + file("base/checkpoints/step-00000020")));
}

TEST_F(FileSystemTest, AFolderInThePlaceOfALinkIsFoundBeforeTraining) {
  ASSERT_EQ(train("run", steps(10)).exit_code, 0);
  const std::string latest = file("run") + "/checkpoints/latest";
  fs::remove(latest);
  fs::copy(file("run") + "/checkpoints/step-00000010", latest, fs::copy_options::recursive);
  const ProgramResult result = train("run", steps(20));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr(latest + ": is a folder, not a link"),
                                HasSubstr("\n  fix: remove it"), Not(HasSubstr("step 11"))));
  fs::remove_all(latest);
  EXPECT_EQ(train("run", steps(20)).exit_code, 0);
}

}  // namespace
}  // namespace linformer
