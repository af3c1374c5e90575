// What all programs share: --list, help, completion scripts, manual pages, messages about wrong
// command lines, --quiet.
#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/child_process.h"
#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

using Words = std::vector<std::string>;

Words words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

Words lines_of(const std::string& text) {
  Words lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Each command is run once.
const std::string& output_of(const Words& command) {
  static std::map<Words, std::string> outputs;
  const auto known = outputs.find(command);
  if (known != outputs.end()) return known->second;
  const ProgramResult result = run_child(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return outputs[command] = result.out;
}

bool is_installed(const std::string& program) {
  return std::system(("command -v " + program + " > /dev/null 2>&1").c_str()) == 0;
}

/// The programs that `linformer --list` names.
Words programs() {
  Words names;
  for (const std::string& line : lines_of(output_of({"linformer", "--list"}))) {
    names.push_back(line.substr(0, line.find(' ')));
  }
  return names;
}

/// The names at the beginning of the help's lines after a heading.
Words names_in_help(const std::string& help, const std::regex& pattern) {
  Words names;
  for (const std::string& line : lines_of(help)) {
    std::smatch match;
    if (std::regex_search(line, match, pattern)) names.push_back(match[1]);
  }
  return names;
}

Words commands_of(const std::string& program) {
  const std::string help = output_of({program, "--help"});
  size_t begin = help.find("Subcommands:");
  if (begin == std::string::npos) begin = help.find("Programs:");
  if (begin == std::string::npos) return {};
  return names_in_help(help.substr(begin, help.find("Examples:") - begin),
                       std::regex("^  ([a-z][-a-z]*) "));
}

Words options_of(const Words& command) {
  Words line = command;
  line.push_back("--help");
  return names_in_help(output_of(line), std::regex("^  (?:-h,)?(--[-a-z]+)"));
}

/// What bash offers after these words, the last of which is not complete.
Words completed(const TemporaryFolder& folder, const Words& line) {
  std::string array;
  for (const std::string& word : line) array += "'" + word + "' ";
  std::string function = "_" + line.front();
  std::replace(function.begin(), function.end(), '-', '_');
  const std::string script = folder.file("complete.sh");
  write_file_atomically(script, output_of({line.front(), "--completion", "bash"}) + "COMP_WORDS=(" +
                                    array + ")\nCOMP_CWORD=" + std::to_string(line.size() - 1) +
                                    "\n" + function + "\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
  const std::string out = folder.file("offered");
  EXPECT_EQ(
      std::system(("cd " + folder.path() + " && PATH=" LINFORMER_PROGRAMS_DIR ":$PATH bash -u " +
                   script + " > " + out)
                      .c_str()),
      0);
  return words_of(read_text_file(out));
}

TEST(Overview, ListsEveryProgramOfTheBuild) {
  Words built;
  for (const auto& entry : std::filesystem::directory_iterator(LINFORMER_PROGRAMS_DIR)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("linformer-")) built.push_back(name);
  }
  EXPECT_THAT(programs(), IsSupersetOf(built));
  for (const std::string& line : lines_of(output_of({"linformer", "--list"}))) {
    EXPECT_THAT(line, ::testing::MatchesRegex("linformer-[a-z]+ +[A-Z].*\\.")) << line;
  }
}

TEST(Overview, StartsThePrograms) {
  EXPECT_EQ(output_of({"linformer", "data", "--version"}),
            output_of({"linformer-data", "--version"}));
  for (const Words& more :
       {Words{}, Words{"--help"}, Words{"--list"}, Words{"sample", "--output"}}) {
    Words command{"linformer", "dada"};
    command.insert(command.end(), more.begin(), more.end());
    const auto unknown = run_child(command);
    EXPECT_EQ(unknown.exit_code, 2);
    EXPECT_THAT(unknown.err, AllOf(HasSubstr("no command dada"), HasSubstr("did you mean data?")));
    EXPECT_EQ(unknown.out, "");
  }
}

// CLI11 by itself takes the largest number for one that is too large.
TEST(CommandLine, NumbersThatAreTooLargeAreRefused) {
  for (const Words& command : {Words{"linformer-data", "sample", "--output", "/tmp/none", "--seed"},
                               Words{"linformer-bench", "step", "--steps"},
                               Words{"linformer-bench", "attention", "--lengths"},
                               Words{"linformer-train", "--config", "none.yaml", "--seeds"},
                               Words{"linformer-launch", "--nproc-per-node"}}) {
    for (const char* number : {"99999999999999999999999", "-99999999999999999999999", "1x"}) {
      Words line = command;
      line.emplace_back(number);
      const auto result = run_child(line);
      EXPECT_EQ(result.exit_code, 2) << command[0] << " " << number << result.err;
      EXPECT_THAT(result.err, HasSubstr(number));
      EXPECT_EQ(result.out, "");
    }
  }
}

TEST(CommandLine, EveryCommandAndOptionIsCompletedAndInTheManual) {
  const TemporaryFolder folder;
  for (const std::string& program : programs()) {
    const std::string manual = output_of({program, "--man-page"});
    const Words commands = commands_of(program);
    EXPECT_THAT(completed(folder, {program, ""}), IsSupersetOf(commands)) << program;
    std::vector<Words> lines{{program}};
    for (const std::string& command : commands) lines.push_back({program, command});
    for (Words line : lines) {
      const Words options = options_of(line);
      EXPECT_THAT(options, Contains("--help")) << line.back();
      line.push_back("--");
      EXPECT_THAT(completed(folder, line), IsSupersetOf(options)) << line[line.size() - 2];
      for (const std::string& option : options) {
        EXPECT_THAT(manual, HasSubstr(std::regex_replace(option, std::regex("-"), "\\-")));
      }
    }
  }
}

TEST(CommandLine, ValuesAreCompleted) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("corpus.txt"), "");
  EXPECT_THAT(completed(folder, {"linformer-data", "prep"}), ElementsAre("prepare"));
  EXPECT_THAT(completed(folder, {"linformer-bench", "step", "--precision", "bf"}),
              ElementsAre("bf16"));
  EXPECT_THAT(completed(folder, {"linformer-data", "--completion", ""}),
              ElementsAre("bash", "zsh"));
  EXPECT_THAT(completed(folder, {"linformer-data", "prepare", "--input", "cor"}),
              ElementsAre("corpus.txt"));
  EXPECT_THAT(completed(folder, {"linformer-train", "--dry"}), ElementsAre("--dry-run"));
  EXPECT_THAT(completed(folder, {"linformer-finetune", "--task", "sst"}), ElementsAre("sst-2"));
  EXPECT_THAT(completed(folder, {"linformer-report", "paper", "--scale", "t"}),
              ElementsAre("tiny"));
  // linformer hands over to the program that it starts.
  EXPECT_THAT(completed(folder, {"linformer", "rep"}), ElementsAre("report"));
  EXPECT_THAT(completed(folder, {"linformer", "report", "pap"}), ElementsAre("paper"));
  EXPECT_THAT(completed(folder, {"linformer", "bench", "step", "--precision", "bf"}),
              ElementsAre("bf16"));
  const std::string suite = output_of({"linformer-finetune", "--help"});
  EXPECT_THAT(suite, HasSubstr("--suite {glue,cola,sst-2,"));
}

TEST(CommandLine, ScriptsAndManualsAreValid) {
  const TemporaryFolder folder;
  for (const std::string& program : programs()) {
    const auto check = [&](const std::string& tool, const std::string& option,
                           const std::string& shell_command) {
      if (!is_installed(tool)) return;
      const std::string file = folder.file(program + "." + tool);
      Words line{program, option};
      if (option == "--completion") line.push_back(tool);
      write_file_atomically(file, output_of(line));
      const std::string report = folder.file("report");
      const int status =
          std::system((shell_command + " " + file + " > " + report + " 2>&1").c_str());
      EXPECT_EQ(status, 0) << program;
      EXPECT_EQ(read_text_file(report), "") << program << " " << tool;
    };
    check("bash", "--completion", "bash -n");
    check("zsh", "--completion", "zsh -n");
    check("groff", "--man-page", "groff -man -ww -z");
    EXPECT_THAT(output_of({program, "--man-page"}),
                AllOf(StartsWith(".TH "), HasSubstr(".SH SYNOPSIS"), HasSubstr(".SH EXAMPLES")));
  }
}

TEST(CommandLine, HelpSaysWhatIsAllowedAsPeopleWriteIt) {
  const std::string step = output_of({"linformer-bench", "step", "--help"});
  EXPECT_THAT(step,
              AllOf(HasSubstr("--precision {fp32,bf16,fp16,auto}"),
                    HasSubstr("measured steps (1 to 1000000; default "), HasSubstr("--threads N")));
  EXPECT_THAT(output_of({"linformer-launch", "--help"}), HasSubstr("(1 to 4096"));
  for (const std::string& program : programs()) {
    Words commands = commands_of(program);
    std::vector<Words> lines{{program, "--help"}};
    for (const std::string& command : commands) lines.push_back({program, command, "--help"});
    for (const Words& line : lines) {
      EXPECT_THAT(output_of(line), AllOf(Not(HasSubstr("INT")), Not(HasSubstr("POSITIVE")),
                                         Not(HasSubstr(":{")), HasSubstr("Examples:")))
          << line[line.size() - 2];
    }
  }
}

struct WrongLine {
  Words command;
  const char* message;
  const char* fix;
};

TEST(CommandLine, WrongOnesAreExplained) {
  const std::vector<WrongLine> lines{
      {{"linformer-bench", "step", "--steps", "0"},
       "--steps: 0 is not 1 to 1000000",
       "step --help"},
      {{"linformer-bench", "step", "--steps", "-3"},
       "--steps: -3 is not 1 to 1000000",
       "step --help"},
      {{"linformer-bench", "step", "--steps", "many"}, "'many' is not a number", "step --help"},
      {{"linformer-bench", "step", "--threads", "-1"}, "-1 is not 0 or more", "step --help"},
      {{"linformer-bench", "step", "--precision", "bf61"}, "none of {", "step --help"},
      {{"linformer-bench", "step", "--precision", "bf61"}, "did you mean bf16?", "step --help"},
      {{"linformer-launch", "--nproc-per-node", "5000", "--", "true"},
       "5000 is not 1 to 4096",
       "linformer-launch --help"},
      {{"linformer-data", "prepar"}, "there is no command prepar", "did you mean prepare?"},
      {{"linformer-data", "prepar", "--input", "x"}, "no command prepar", "did you mean prepare?"},
      {{"linformer-eval", "perplexitty"}, "no command perplexitty", "did you mean perplexity?"},
      {{"linformer-data"}, "a command is needed: sample, extract, ", "linformer-data --help"},
      {{"linformer-data", "sample", "--outptu", "x"},
       "there is no option --outptu",
       "did you mean --output?"},
      {{"linformer-train", "--confg", "x"}, "--confg", "did you mean --config?"},
      {{"linformer-data", "--completion", "fish"}, "'fish' is none of {bash,zsh}", "--help"},
  };
  for (const WrongLine& line : lines) {
    const ProgramResult result = run_child(line.command);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, AllOf(HasSubstr(line.message), HasSubstr(line.fix),
                                  HasSubstr("error: command line: "), HasSubstr("\n  fix: ")));
  }
}

// A path that does not exist, in whatever program: the message says where it was looked for.
TEST(CommandLine, AMissingFileIsAWrongPath) {
  const std::vector<Words> lines{
      {"linformer-train", "--config", "none.yaml"},
      {"linformer-finetune", "--config", "none.yaml"},
      {"linformer-finetune", "--task", "rte", "--data", "none", "--model", "none", "--output", "o"},
      {"linformer-eval", "perplexity", "--checkpoint", "none", "--data", "none.txt"},
      {"linformer-eval", "task", "--checkpoint", "none", "--task", "rte", "--input", "none.tsv"},
      {"linformer-predict", "fill-mask", "--checkpoint", "none", "--text", "<mask>"},
      {"linformer-convert", "import", "--from", "hf", "--input", "none", "--output", "out"},
      {"linformer-convert", "linformerise", "--input", "none", "--output", "out"},
      {"linformer-data", "tokenizer", "--input", "none.txt", "--output", "t.model"},
      {"linformer-data", "prepare", "--input", "none.txt", "--tokenizer", "none.model", "--output",
       "p"},
      {"linformer-data", "inspect", "none"},
  };
  const TemporaryFolder folder;
  for (const Words& line : lines) {
    std::string command = "cd " + folder.path() + " && " LINFORMER_PROGRAMS_DIR "/";
    for (const std::string& word : line) command += "'" + word + "' ";
    const int status = std::system((command + "> out 2> err").c_str());
    const std::string error = read_text_file(folder.file("err"));
    EXPECT_THAT(WEXITSTATUS(status), ::testing::AnyOf(1, 2)) << error;
    EXPECT_THAT(error, AllOf(HasSubstr("none"), HasSubstr("\n  fix: "))) << line.front();
    EXPECT_THAT(error, HasSubstr("begins at the current folder")) << line.front();
  }
}

TEST(CommandLine, QuietProgramsOnlyPrintResultsAndErrors) {
  const TemporaryFolder folder;
  Words line{"linformer-finetune", "--task",  "rte",  "--data",
             folder.file("none"),  "--model", "none", "--output",
             folder.file("run")};
  const std::string loud = run_child(line).err;
  line.push_back("--quiet");
  const std::string quiet = run_child(line).err;
  EXPECT_THAT(loud, AllOf(HasSubstr("info: precision "), HasSubstr("error: ")));
  EXPECT_THAT(quiet, StartsWith("linformer-finetune: error: "));
}

}  // namespace
}  // namespace linformer
