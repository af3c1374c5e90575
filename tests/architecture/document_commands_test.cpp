// Every command that a document shows is checked somehow: tests/documents/commands.tsv says how.
// Files and presets that commands name exist. tests/cli/documents_test.cpp looks at options and
// keys.
#include "architecture/document_commands.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "architecture/source_tree.h"
#include "core/temporary_folder.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string read_file(const std::string& path) {
  std::ifstream stream(root_folder() / path);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::vector<std::string> texts_of(const std::vector<DocumentCommand>& commands) {
  std::vector<std::string> texts;
  for (const DocumentCommand& command : commands) texts.push_back(command.text);
  return texts;
}

TEST(DocumentCommands, AreTheLinesOfShellBlocksAndThoseAfterAPrompt) {
  const std::string page =
      "Text `not this`.\n"
      "```sh\n"
      "# a comment\n"
      "a --x 1 |    # a comment\n"
      "  a2\n"
      "b 'with # inside' \\\n"
      "    --more\n"
      "```\n"
      "```text\n"
      "$ c --set a=1 \\\n"
      "    b=2\n"
      "its answer\n"
      "```\n"
      "```sh\n"
      "f() {  # what it does\n"
      "  d one\n"
      "  d two\n"
      "}\n"
      "f x\n"
      "```\n";
  const auto commands = find_commands("page.md", page);
  EXPECT_THAT(texts_of(commands), ElementsAre("a --x 1 | a2", "b 'with # inside' --more",
                                              "c --set a=1 b=2", "f() { d one; d two; }", "f x"));
  EXPECT_EQ(commands[1].line, 6u);
}

TEST(DocumentCommands, OfAConfigurationStandInItsComments) {
  const std::string text =
      "# What linformer-train does.\n"
      "#\n"
      "#   linformer-data prepare --input a \\\n"
      "#       --output b\n"
      "#   in words\n"
      "run: {dir: a}  # linformer-train\n";
  EXPECT_THAT(texts_of(find_commented_commands("a.yaml", text)),
              ElementsAre("linformer-data prepare --input a --output b"));
}

void expect_call(const ProgramCall& call, const std::string& program,
                 const std::vector<std::string>& arguments) {
  EXPECT_EQ(call.program, program);
  EXPECT_EQ(call.arguments, arguments);
}

TEST(DocumentCommands, CallsAreFoundWhereverTheyStand) {
  auto calls = find_calls("X=1 build/release/bin/linformer-data why --text 'a b' > out.txt");
  ASSERT_THAT(calls, SizeIs(1));
  expect_call(calls[0], "linformer-data", {"why", "--text", "a b"});

  calls = find_calls("linformer-launch --n 2 -- linformer-train --config a.yaml");
  ASSERT_THAT(calls, SizeIs(2));
  expect_call(calls[0], "linformer-launch", {"--n", "2", "--"});
  expect_call(calls[1], "linformer-train", {"--config", "a.yaml"});

  calls = find_calls("srun --k=1 linformer-train --a | other --b && ./tools/test.sh -R X");
  ASSERT_THAT(calls, SizeIs(2));
  expect_call(calls[0], "linformer-train", {"--a"});
  expect_call(calls[1], "tools/test.sh", {"-R", "X"});

  calls = find_calls("sbatch tools/launch/slurm.sh linformer-train --config a.yaml");
  ASSERT_THAT(calls, SizeIs(2));
  expect_call(calls[0], "tools/launch/slurm.sh", {});
  expect_call(calls[1], "linformer-train", {"--config", "a.yaml"});

  calls = find_calls("f() { local run=\"linformer-eval task --x $1\"; $run --y; }");
  ASSERT_THAT(calls, SizeIs(1));
  expect_call(calls[0], "linformer-eval", {"task", "--x", "$1", "--y"});
}

TEST(DocumentCommands, EachIsInTheListOfChecksAndNoOther) {
  std::set<std::string> listed, shown;
  for (const CommandCheck& check : read_command_checks()) {
    if (check.check == "prepare") continue;
    const std::string key = check.document + "\t" + check.command;
    EXPECT_TRUE(listed.insert(key).second) << "twice in the list: " << key;
  }
  for (const DocumentCommand& command : all_document_commands()) {
    const std::string key = command.document + "\t" + command.text;
    shown.insert(key);
    EXPECT_TRUE(listed.count(key))
        << command.document << ":" << command.line
        << ": say in tests/documents/commands.tsv how this command is checked:\n"
        << command.document << "\trun\t-\t" << command.text;
  }
  EXPECT_GT(shown.size(), 90u);
  for (const std::string& key : listed) {
    EXPECT_TRUE(shown.count(key)) << "in no document any more: " << key;
  }
}

// A word such as DRYRUN_OUTPUT, to be replaced by what a command prints.
TEST(DocumentCommands, HaveTheirOutput) {
  static const std::regex kPlaceholder("(^|\n)[A-Z]+_OUTPUT(\n|$)");
  EXPECT_TRUE(std::regex_search("$ x\nX_OUTPUT\n", kPlaceholder));
  for (const SourceFile& file : read_all_text()) {
    if (!file.path.ends_with(".md")) continue;
    EXPECT_FALSE(std::regex_search(file.text, kPlaceholder)) << file.path;
  }
}

TEST(DocumentCommands, ChecksAreOfTheKnownKinds) {
  const std::set<std::string> kinds{"run", "prepare", "tested", "parse", "not run"};
  for (const CommandCheck& check : read_command_checks()) {
    const std::string line = check.document + ": " + check.command;
    EXPECT_TRUE(kinds.count(check.check)) << line << ": '" << check.check << "'";
    if (check.check == "tested") {
      EXPECT_TRUE(std::filesystem::exists(root_folder() / check.detail)) << line;
    }
    const bool explains = check.check == "parse" || check.check == "not run";
    if (explains) {
      EXPECT_GT(check.detail.size(), 5u) << line << ": say why it is not run";
    }
    // Options are compared with --help only where a program of this project is called.
    if (check.check == "parse") {
      EXPECT_FALSE(find_calls(check.command).empty()) << line;
    }
  }
  EXPECT_THAT(read_file("tools/nightly.sh"), HasSubstr("./tools/run_documents.sh"));
}

TEST(DocumentCommands, NameFilesThatExist) {
  const std::regex file("(?:\\./)?((?:configs|tools|tests)/[A-Za-z0-9_./-]+)");
  int found = 0;
  for (const DocumentCommand& command : all_document_commands()) {
    for (const ProgramCall& call : find_calls(command.text)) {
      std::vector<std::string> words = call.arguments;
      words.push_back(call.program);
      for (const std::string& word : words) {
        std::smatch match;
        if (!std::regex_match(word, match, file)) continue;
        ++found;
        EXPECT_TRUE(std::filesystem::exists(root_folder() / match.str(1)))
            << command.document << ":" << command.line << ": " << word;
      }
    }
  }
  EXPECT_GT(found, 30);
}

TEST(DocumentCommands, NamePresetsAndOptionsOfScriptsThatExist) {
  const std::string presets = read_file("CMakePresets.json");
  const std::regex preset("(?:cmake|ctest)[^&|]* --preset ([a-z]+)");
  int found = 0;
  for (const DocumentCommand& command : all_document_commands()) {
    const std::string place = command.document + ":" + std::to_string(command.line) + ": ";
    for (auto match = std::sregex_iterator(command.text.begin(), command.text.end(), preset);
         match != std::sregex_iterator(); ++match, ++found) {
      EXPECT_THAT(presets, HasSubstr("\"name\": \"" + match->str(1) + "\"")) << place;
    }
    for (const ProgramCall& call : find_calls(command.text)) {
      if (!call.program.ends_with(".sh")) continue;
      const std::string script = read_file(call.program);
      for (const std::string& word : call.arguments) {
        if (!word.starts_with("--")) continue;
        ++found;
        EXPECT_THAT(script, HasSubstr(word)) << place << call.program;
      }
    }
  }
  EXPECT_GT(found, 8);
}

/// Runs tools/run_documents.sh on a list of commands; returns its exit code and output.
std::pair<int, std::string> run_list(const std::string& rows) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("list")) << rows;
  const std::string command = (root_folder() / "tools/run_documents.sh").string() + " --list " +
                              folder.file("list") + " A.md >" + folder.file("log") + " 2>&1";
  const int status = std::system(command.c_str());
  std::ifstream log(folder.file("log"));
  return {status, {std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>()}};
}

TEST(DocumentCommands, AreRunInOrderWithWhatTheListAdds) {
  const auto [status, log] = run_list(
      "A.md\tprepare\t-\techo one > file\n"
      "A.md\trun\t>> file\techo two\n"
      "A.md\tparse\tno such thing\tnothing\n"
      "B.md\trun\t-\tfalse\n"
      "A.md\trun\t-\texport WORD=$(tr '\\n' ' ' < file)\n"
      "A.md\trun\t-\t[[ $WORD == 'one two ' ]]\n");
  EXPECT_EQ(status, 0) << log;
  EXPECT_THAT(log, HasSubstr("all 4 commands of the documents ran"));
}

TEST(DocumentCommands, ThatFailAreNamedAndTheOthersRun) {
  const auto [status, log] = run_list(
      "# a comment\n"
      "A.md\trun\t-\tls no-such-file\n"
      "A.md\trun\t-\ttrue\n");
  EXPECT_NE(status, 0);
  EXPECT_THAT(log, HasSubstr("No such file"));
  EXPECT_THAT(log, HasSubstr("1 of 2 commands failed"));
  EXPECT_THAT(log, HasSubstr("line 2: A.md: ls no-such-file"));
}

}  // namespace
}  // namespace linformer
