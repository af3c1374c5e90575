// linformer-finetune, from the command line to the tables.
#include <csignal>
#include <cstdio>
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
using ::testing::Not;

/// A tiny pre-trained model and a folder with SST-2 and RTE of a few dozen rows, in GLUE's layout.
class FinetuneProgramTest : public TrainProgramTest {
 protected:
  void SetUp() override {
    TrainProgramTest::SetUp();
    ASSERT_EQ(train("base", {"training.max_steps=2"}).exit_code, 0);
    fs::create_directories(file("glue/SST-2"));
    fs::create_directories(file("glue/RTE"));
    std::string sst = "sentence\tlabel\n";
    std::string rte = "index\tsentence1\tsentence2\tlabel\n";
    for (int i = 0; i < 40; ++i) {
      const bool yes = i % 3 != 0;
      const std::string number = std::to_string(i);
      sst += std::string(yes ? "a good river " : "a bad stone ") + number + " \t" +
             (yes ? "1" : "0") + "\n";
      rte += number + "\tthe old house " + number + "\t" + (yes ? "a river" : "a stone") + "\t" +
             (yes ? "entailment" : "not_entailment") + "\n";
    }
    for (const char* split : {"train.tsv", "dev.tsv"}) {
      write_file_atomically(file("glue/SST-2/" + std::string(split)), sst);
      write_file_atomically(file("glue/RTE/" + std::string(split)), rte);
    }
    write_file_atomically(file("glue/SST-2/test.tsv"), "index\tsentence\n0\ta good river\n");
  }

  ProgramResult finetune(const std::vector<std::string>& arguments,
                         const ProgramOptions& options = {}) const {
    std::vector<std::string> command{"linformer-finetune",
                                     "--data",
                                     file("glue"),
                                     "--model",
                                     file("base"),
                                     "--set",
                                     "training.learning_rate=1e-2",
                                     "finetune.epochs=2"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_child(command, options);
  }
};

bool has_event_file(const std::string& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) return true;
  }
  return false;
}

TEST_F(FinetuneProgramTest, OneTask) {
  const ProgramResult result =
      finetune({"--task", "SST-2", "--output", file("sst"), "--seed", "3", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["task"], "sst-2");
  EXPECT_EQ(json["seed"], 3);
  EXPECT_EQ(json["sets"][0]["rows"], 40);
  EXPECT_TRUE(json["sets"][0]["metrics"].contains("accuracy"));
  EXPECT_EQ(json["sets"].size(), 1u);  // the test file has no labels
  EXPECT_TRUE(fs::exists(file("sst/predictions/test.tsv")));
  EXPECT_THAT(read_text_file(file("sst/report.html")),
              AllOf(HasSubstr("Fine-tuning on SST-2"), HasSubstr("sst-2, dev")));
  EXPECT_TRUE(has_event_file(file("sst")));
  EXPECT_TRUE(fs::exists(file("sst/checkpoints/best/model.safetensors")));
  const ProgramResult help = run_child({"linformer-finetune", "--help-config"}, {});
  EXPECT_THAT(help.out, HasSubstr("finetune.layer_decay = 1.0"));
}

TEST_F(FinetuneProgramTest, TestSetsAndEventFilesCanBeSwitchedOff) {
  const ProgramResult result = finetune({"--task", "SST-2", "--output", file("sst"), "--set",
                                         "task.test=[none]", "logging.tensorboard=false"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_FALSE(fs::exists(file("sst/predictions/test.tsv")));
  EXPECT_TRUE(fs::exists(file("sst/predictions/dev.tsv")));
  EXPECT_FALSE(has_event_file(file("sst")));
  const ProgramResult wrong =
      finetune({"--task", "SST-2", "--output", file("wrong"), "--set", "task.test=none"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("[none]"));
}

TEST_F(FinetuneProgramTest, ScoresAreFractionsInFilesAndPercentForPeople) {
  const std::vector<std::string> run{"--task",    "sst-2", "--output",
                                     file("sst"), "--set", "finetune.evaluations_per_epoch=1"};
  const ProgramResult text = finetune(run);
  ASSERT_EQ(text.exit_code, 0) << text.err;
  const std::string percent = "accuracy [0-9]+[.][0-9][0-9] %";
  EXPECT_THAT(text.out, ContainsRegex("dev [(]40 rows[)]: " + percent));
  EXPECT_THAT(text.err, ContainsRegex("step [0-9]+: dev: " + percent));
  const auto result = nlohmann::json::parse(read_text_file(file("sst/result.json")));
  const double accuracy = result["sets"][0]["metrics"]["accuracy"];
  EXPECT_LE(accuracy, 1.0);
  char shown[32];
  std::snprintf(shown, sizeof(shown), "accuracy %.2f %%", 100.0 * accuracy);
  EXPECT_THAT(text.out, HasSubstr(shown));
  const ProgramResult measured =
      run_child({"linformer-eval", "task", "--checkpoint", file("sst"), "--task", "sst-2",
                 "--input", file("glue/SST-2/dev.tsv")});
  EXPECT_THAT(measured.out, ContainsRegex("accuracy  +[0-9]+[.][0-9][0-9] %"));
}

TEST_F(FinetuneProgramTest, ASuiteDoesWhatIsMissingAndEndsInTables) {
  const std::vector<std::string> suite{"--suite",    "sst-2,rte", "--seeds",  "2",
                                       "--jobs",     "2",         "--output", file("suite"),
                                       "--protocol", "both"};
  std::vector<std::string> planned = suite;
  planned.push_back("--dry-run");
  const ProgramResult plan = finetune(planned);
  ASSERT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr("suite/rte/global/seed-2"), HasSubstr("8 runs, 2 at a"),
                              HasSubstr("new"), Not(HasSubstr("finished"))));
  EXPECT_FALSE(fs::exists(file("suite")));
  const ProgramResult first = finetune(suite);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("8/8"));
  // Columns on a terminal, Markdown in the file and on request.
  EXPECT_THAT(first.out, AllOf(HasSubstr("\nsst-2 "), HasSubstr("\nrte "), HasSubstr(" %  "),
                               HasSubstr("global: mean"), Not(HasSubstr("|---|"))));
  EXPECT_THAT(read_text_file(file("suite/results.md")),
              AllOf(HasSubstr("| sst-2 |"), HasSubstr("| rte |"), HasSubstr("|---|"),
                    HasSubstr(" % | 2 |")));
  EXPECT_TRUE(fs::exists(file("suite/rte/global/seed-2/result.json")));
  EXPECT_FALSE(fs::exists(file("suite/rte/global/seed-2/checkpoints")));
  std::vector<std::string> beside = suite;
  beside.insert(beside.end(), {"--report", "--compare", file("absent")});
  const ProgramResult no_other = finetune(beside);
  EXPECT_EQ(no_other.exit_code, 2);
  EXPECT_THAT(no_other.err, HasSubstr("absent: there is no such folder"));
  const auto json = nlohmann::json::parse(read_text_file(file("suite/results.json")));
  EXPECT_EQ(json["table"]["rows"].size(), 4u);
  // One is missing: that one is done again, and the tables are the same.
  fs::remove_all(file("suite/sst-2/task/seed-1"));
  std::istringstream plan_again(finetune(planned).out);
  int num_finished = 0;
  for (std::string line; std::getline(plan_again, line);)
    num_finished += line.ends_with("finished");
  EXPECT_EQ(num_finished, 7);
  const ProgramResult again = finetune(suite);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("7 of 8 runs are done already"));
  EXPECT_EQ(again.out, first.out);
  // Other settings in the same folder are refused.
  std::vector<std::string> other = suite;
  other.insert(other.end(), {"--set", "training.optimizer.weight_decay=0.5"});
  const ProgramResult refused = finetune(other);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("training.optimizer.weight_decay is 0.5, was 0.1"));
  // Compared with the bag of words, without training anything.
  ASSERT_EQ(
      finetune({"--suite", "sst-2,rte", "--output", file("bow"), "--baseline", "bag-of-words"})
          .exit_code,
      0);
  const ProgramResult compared =
      finetune({"--report", "--output", file("suite"), "--compare", file("bow")});
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_THAT(compared.out, HasSubstr("bag of words: mean"));
}

TEST_F(FinetuneProgramTest, ASweepTakesTheBestOfItsSettings) {
  std::vector<std::string> sweep{"--task",
                                 "sst-2",
                                 "--output",
                                 file("sweep"),
                                 "--sweep",
                                 "learning_rate=1e-30,1e-2",
                                 "batch=8",
                                 "--jobs",
                                 "2",
                                 "--set",
                                 "finetune.epochs=8"};
  std::vector<std::string> planned = sweep;
  planned.push_back("--dry-run");
  const auto plan = [&] { return finetune(planned).out; };
  EXPECT_THAT(plan(), AllOf(HasSubstr("learning_rate=1e-30,global_batch_size=8"),
                            HasSubstr("the best of 2 settings"), HasSubstr("3 runs, 2 at a time")));
  std::vector<std::string> more_seeds = planned;
  more_seeds.insert(more_seeds.end(), {"--sweep-seeds", "2"});
  EXPECT_THAT(finetune(more_seeds).out,
              AllOf(HasSubstr("the best of 2 settings"), HasSubstr("5 runs, 2 at a time")));
  const ProgramResult result = finetune(sweep);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(plan(),
              AllOf(HasSubstr("finished"), HasSubstr("has a result"), Not(HasSubstr("new"))));
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("  tuned  "),
                    HasSubstr("sst-2: learning_rate=1e-2,global_batch_size=8 of 2 settings, chosen "
                              "on the held-out set")));
  EXPECT_THAT(result.out, Not(HasSubstr("1e-30")));
}

TEST_F(FinetuneProgramTest, SeedsFromTheirMnliModelsAreOneRow) {
  fs::create_directories(file("glue/MNLI"));
  std::string mnli = "index\tsentence1\tsentence2\tgold_label\n";
  for (int i = 0; i < 24; ++i) {
    const std::string number = std::to_string(i);
    mnli += number + "\tthe old house " + number + "\ta river\t" +
            (i % 3 == 0   ? "entailment"
             : i % 3 == 1 ? "neutral"
                          : "contradiction") +
            "\n";
  }
  for (const char* part : {"train.tsv", "dev_matched.tsv", "dev_mismatched.tsv"}) {
    write_file_atomically(file("glue/MNLI/" + std::string(part)), mnli);
  }
  const ProgramResult result =
      finetune({"--suite", "rte,mnli", "--from-mnli", "--seeds", "2", "--markdown", "--set",
                "training.max_steps=2", "--output", file("one")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("| rte | " + file("base") + " | task | accuracy |"));
  EXPECT_THAT(result.out, HasSubstr("steps=2 from=mnli |"));
  EXPECT_THAT(result.out, HasSubstr("| 2 | mnli, rte |"));  // one model in the averages
  EXPECT_THAT(result.out, Not(HasSubstr("checkpoints/best |")));
}

TEST_F(FinetuneProgramTest, AStoppedSuiteGoesOn) {
  const std::vector<std::string> suite{"--suite", "sst-2",    "--seeds",
                                       "3",       "--output", file("stopped")};
  const std::string first = file("stopped/sst-2/task/seed-1/result.json");
  bool sent = false;
  ProgramOptions options;
  options.meanwhile = [&](pid_t program) {
    if (sent || !fs::exists(first)) return;
    ::kill(program, SIGTERM);
    sent = true;
  };
  const ProgramResult stopped = finetune(suite, options);
  EXPECT_EQ(stopped.exit_code, 143) << stopped.err;
  EXPECT_FALSE(fs::exists(file("stopped/results.md")));
  const ProgramResult rest = finetune(suite);
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("of 3 runs are done already"));
  EXPECT_THAT(read_text_file(file("stopped/results.md")), HasSubstr("| 3 |"));
}

TEST_F(FinetuneProgramTest, TwoProcessesAreOne) {
  const std::vector<std::string> task{"--task", "rte",
                                      "--set",  "training.global_batch_size=8",
                                      "--set",  "training.micro_batch_size=4"};
  const auto predictions = [&](const std::string& name, bool two) {
    std::vector<std::string> command = task;
    command.insert(command.end(), {"--output", file(name)});
    if (two) {
      std::vector<std::string> launched{
          "linformer-launch", "--nproc-per-node", "2", "--",
          std::string(LINFORMER_PROGRAMS_DIR) + "/linformer-finetune"};
      for (const std::string& word :
           {std::string("--data"), file("glue"), std::string("--model"), file("base"),
            std::string("--set"), std::string("training.learning_rate=1e-2"), std::string("--set"),
            std::string("finetune.epochs=2")}) {
        launched.push_back(word);
      }
      launched.insert(launched.end(), command.begin(), command.end());
      const ProgramResult result = run_child(launched);
      EXPECT_EQ(result.exit_code, 0) << result.err;
    } else {
      const ProgramResult result = finetune(command);
      EXPECT_EQ(result.exit_code, 0) << result.err;
    }
    std::vector<double> probabilities;
    std::istringstream text(read_text_file(file(name + "/predictions/dev.tsv")));
    std::string line;
    std::getline(text, line);
    while (std::getline(text, line)) {
      probabilities.push_back(std::stod(line.substr(line.rfind('\t') + 1)));
    }
    return probabilities;
  };
  const std::vector<double> one = predictions("one", false);
  const std::vector<double> two = predictions("two", true);
  ASSERT_EQ(one.size(), 40u);
  ASSERT_EQ(two.size(), 40u);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], two[i], 1e-4) << i;
}

TEST_F(FinetuneProgramTest, ManyRunsAreNotMixedWithASingleOne) {
  ASSERT_EQ(finetune({"--task", "sst-2", "--output", file("one")}).exit_code, 0);
  const ProgramResult many = finetune({"--task", "sst-2", "--output", file("one"), "--seeds", "2"});
  EXPECT_EQ(many.exit_code, 2);
  EXPECT_THAT(many.err, HasSubstr("one is the folder of a single run"));
}

TEST_F(FinetuneProgramTest, TheSubmissionSaysWhatItLacks) {
  const std::vector<std::string> suite{"--suite",         "sst-2",        "--output",
                                       file("glue-runs"), "--submission", file("glue.zip")};
  const ProgramResult refused = finetune(suite);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(
      refused.err,
      AllOf(HasSubstr("--submission: the leaderboard also wants predictions of cola, mnli,"),
            HasSubstr("add --allow-partial"), Not(HasSubstr("sst-2"))));
  EXPECT_FALSE(fs::exists(file("glue-runs")));  // nothing was trained for it
  std::vector<std::string> partial = suite;
  partial.push_back("--allow-partial");
  const ProgramResult written = finetune(partial);
  ASSERT_EQ(written.exit_code, 0) << written.err;
  EXPECT_THAT(written.out, HasSubstr("glue.zip (1 file)"));
  EXPECT_THAT(written.err, HasSubstr("SST-2.tsv: seed 1"));
  EXPECT_TRUE(fs::exists(file("glue.zip")));
  partial.push_back("--json");
  const ProgramResult as_json = finetune(partial);
  EXPECT_FALSE(nlohmann::json::parse(as_json.out).empty());
  EXPECT_THAT(as_json.err, HasSubstr("glue.zip (1 file)"));
  const ProgramResult folder = finetune({"--suite", "sst-2", "--output", file("glue-runs"),
                                         "--allow-partial", "--submission", file("glue")});
  EXPECT_EQ(folder.exit_code, 2);
  EXPECT_THAT(folder.err, HasSubstr("glue is a folder"));
}

TEST_F(FinetuneProgramTest, EveryProgramTakesTheSameCheckpointAndSaysWhich) {
  const ProgramResult result =
      finetune({"--task", "sst-2", "--output", file("sst"), "--set", "training.max_steps=3",
                "checkpoint.every=1", "checkpoint.keep_last=5"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  // The first is the best, whatever the evaluations said.
  const std::string first = file("sst/checkpoints/step-00000001");
  fs::remove(file("sst/checkpoints/best"));
  fs::create_symlink("step-00000001", file("sst/checkpoints/best"));
  write_file_atomically(file("rows.jsonl"), "{\"text\": \"a river\"}\n");
  const auto commands = [&](const std::string& run) -> std::vector<std::vector<std::string>> {
    return {{"linformer-predict", "features", "--checkpoint", run, "--input", file("rows.jsonl"),
             "--output", file("features.safetensors")},
            {"linformer-convert", "export", "--input", run, "--output", file("exported")},
            {"linformer-convert", "extend", "--input", run, "--max-sequence-length", "128",
             "--output", file("extended")},
            {"linformer-convert", "average", "--input", run, run, "--output", file("average")},
            {"linformer-finetune", "--data", file("glue"), "--model", run, "--task", "rte",
             "--output", file("rte"), "--set", "training.max_steps=1"}};
  };
  const auto expect_takes = [&](std::vector<std::vector<std::string>> all, const std::string& run,
                                const std::string& checkpoint) {
    for (const std::vector<std::string>& own : commands(run)) all.push_back(own);
    for (const std::vector<std::string>& command : all) {
      const ProgramResult took = run_child(command);
      EXPECT_EQ(took.exit_code, 0) << took.err;
      EXPECT_THAT(took.err, HasSubstr("model: " + checkpoint)) << command[0] << " " << command[1];
    }
    EXPECT_EQ(read_text_file(file("average/model.safetensors")),
              read_text_file(checkpoint.substr(0, checkpoint.find(',')) + "/model.safetensors"));
    for (const char* made : {"exported", "extended", "average", "rte"}) fs::remove_all(file(made));
  };
  const std::string said = first + ", the best checkpoint of the fine-tuned run";
  for (const std::string& run : {file("sst"), file("sst/checkpoints")}) {
    expect_takes({{"linformer-predict", "classify", "--checkpoint", run, "--text", "a river"},
                  {"linformer-eval", "task", "--checkpoint", run, "--task", "sst-2", "--input",
                   file("glue/SST-2/dev.tsv")}},
                 run, said);
  }
  // Of a pre-training run the last step counts, also where another one was the best.
  fs::remove(file("base/checkpoints/best"));
  ASSERT_EQ(train("base", {"training.max_steps=4", "checkpoint.every=1"}).exit_code, 0);
  fs::remove(file("base/checkpoints/best"));
  fs::create_symlink("step-00000003", file("base/checkpoints/best"));
  expect_takes(
      {{"linformer-predict", "fill-mask", "--checkpoint", file("base"), "--text", "<mask>"},
       {"linformer-eval", "perplexity", "--checkpoint", file("base"), "--data", valid_text(),
        "--max-sequences", "4"}},
      file("base"), file("base/checkpoints/step-00000004") + ", the newest checkpoint of the run");
  // A checkpoint that is named is taken.
  const ProgramResult named = run_child({"linformer-predict", "classify", "--checkpoint",
                                         file("sst/checkpoints/step-00000002"), "--text", "a"});
  EXPECT_THAT(named.err, HasSubstr("model: " + file("sst/checkpoints/step-00000002") + "\n"));
}

TEST_F(FinetuneProgramTest, SaysWhatIsWrong) {
  const auto error = [&](const std::vector<std::string>& arguments, int exit_code) {
    std::vector<std::string> command = arguments;
    command.insert(command.end(), {"--output", file("wrong")});
    const ProgramResult result = finetune(command);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    return result.err;
  };
  EXPECT_THAT(error({"--task", "sst-3"}, 2), AllOf(HasSubstr("sst-3"), HasSubstr("sst-2")));
  EXPECT_THAT(error({"--task", "cola"}, 2), AllOf(HasSubstr("CoLA"), HasSubstr("fix:")));
  EXPECT_THAT(error({"--task", "ax"}, 2), HasSubstr("fine-tune on mnli"));
  EXPECT_THAT(error({"--suite", "sst-2", "--sweep", "learning_rate"}, 2), HasSubstr("--sweep"));
  EXPECT_THAT(error({"--suite", "sst-2", "--sweep", "batch_size=16,32"}, 2),
              AllOf(HasSubstr("--sweep: 'batch_size' is not a key"), HasSubstr("batch, epochs")));
  EXPECT_THAT(error({"--suite", "sst-2", "--sweep", "epochs=1,1.0"}, 2),
              HasSubstr("epochs=1 and epochs=1.0 are the same run"));
  EXPECT_THAT(error({"--suite", "rte", "--from-mnli"}, 2), HasSubstr("mnli is not among"));
  EXPECT_THAT(error({"--suite", ","}, 2), HasSubstr("--suite: names no task"));
  EXPECT_THAT(error({"--suite", "sst-2", "--task", "rte"}, 2), HasSubstr("--task: names one task"));
  EXPECT_THAT(error({"--suite", "sst-2,cola,qqp"}, 2),
              HasSubstr("there are no training data of cola, qqp ("));
  EXPECT_THAT(error({"--suite", "sst-2,cola", "--dry-run"}, 2),
              HasSubstr("there are no training data of cola ("));
  EXPECT_THAT(error({"--suite", "sst-2", "--dry-run", "--set", "input.max_length=999"}, 2),
              HasSubstr("input.max_length: 999, the model takes"));
  EXPECT_THAT(error({"--suite", "sst-2, cola"}, 2), HasSubstr("that are there: --suite sst-2"));
  EXPECT_THAT(error({"--suite", "sst-2", "--report", "--dry-run"}, 2),
              HasSubstr("--report trains no model"));
  EXPECT_THAT(error({"--suite", "sst-2", "--allow-partial"}, 2), HasSubstr("--submission"));
  EXPECT_THAT(error({"--suite", "sst-2", "--sweep-seeds", "2"}, 2), HasSubstr("--sweep"));
  const std::string zip = file("no.zip");
  EXPECT_THAT(error({"--suite", "sst-2", "--submission", zip, "--allow-partial", "--set",
                     "task.test=[none]"},
                    2),
              HasSubstr("task.test=[none] makes none"));
  EXPECT_THAT(error({"--suite", "sst-2,SST2"}, 2), HasSubstr("--suite: names sst-2 twice"));
  EXPECT_THAT(
      error({"--suite", "sst-2,rte", "--set", "task.train=[" + file("glue/RTE/train.tsv") + "]"},
            2),
      HasSubstr("task.train: names the files of one task, and the suite has 2"));
  // Messages name what the user writes: the option, or the key of a file.
  const ProgramResult unnamed = run_child({"linformer-finetune", "--task", "sst-2"});
  EXPECT_EQ(unnamed.exit_code, 2);
  EXPECT_THAT(unnamed.err, HasSubstr("--data: names no data"));
  const ProgramResult no_model =
      run_child({"linformer-finetune", "--task", "sst-2", "--data", file("glue")});
  EXPECT_THAT(no_model.err,
              AllOf(HasSubstr("--model: is not set"), HasSubstr("--model runs/my-pretraining")));
  write_file_atomically(file("task.yaml"), "task: {name: sst-2, data: " + file("glue") + "}\n");
  const ProgramResult by_file = run_child({"linformer-finetune", "--config", file("task.yaml")});
  EXPECT_THAT(by_file.err, HasSubstr("run.init_from: is not set"));
  EXPECT_THAT(error({"--task", "sst-2", "--set", "task.train=[" + file("absent.tsv") + "]"}, 2),
              HasSubstr("absent.tsv"));
  // A run that fails within a suite is named, the others go on.
  write_file_atomically(file("glue/RTE/train.tsv"), "index\tsentence1\tsentence2\tlabel\n");
  EXPECT_THAT(error({"--suite", "rte"}, 1),
              AllOf(HasSubstr("every run failed, so no tables:"), HasSubstr("rte/task/seed-1: ")));
  const std::string failed = error({"--suite", "rte,sst-2"}, 1);
  EXPECT_THAT(failed, AllOf(HasSubstr("1 run failed"), HasSubstr("rte/task/seed-1")));
  EXPECT_TRUE(fs::exists(file("wrong/sst-2/task/seed-1/result.json")));
}

TEST_F(FinetuneProgramTest, LabelsAreCheckedBeforeARunBegins) {
  const auto refusal = [&](const std::string& content, const std::vector<std::string>& more) {
    write_file_atomically(file("own.tsv"), content);
    std::vector<std::string> command{"--task",
                                     "mine",
                                     "--output",
                                     file("own"),
                                     "--set",
                                     "task.train=[" + file("own.tsv") + "]",
                                     "task.text_column=text",
                                     "task.label_column=label"};
    command.insert(command.end(), more.begin(), more.end());
    const ProgramResult result = finetune(command);
    EXPECT_NE(result.exit_code, 0);
    EXPECT_FALSE(fs::exists(file("own/checkpoints")));
    return result.err;
  };
  std::string latin = "text\tlabel\n";
  std::string scores = latin;
  for (int i = 0; i < 40; ++i) {
    latin += "a river " + std::to_string(i) + (i % 2 == 0 ? "\tth\xE9\n" : "\tcaf\xE9\n");
    scores += "a river " + std::to_string(i) + (i % 2 == 0 ? "\t1e39\n" : "\t1\n");
  }
  EXPECT_THAT(refusal(latin, {}),
              AllOf(HasSubstr("own.tsv:2: the label 'th\\xE9' is not UTF-8"), HasSubstr("iconv")));
  EXPECT_THAT(refusal(scores, {"task.regression=true"}),
              HasSubstr("own.tsv:2: the score 1e39 is outside"));
}

}  // namespace
}  // namespace linformer
