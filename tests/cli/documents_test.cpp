// The calls that documents show, compared with what the programs say about themselves: subcommands
// and options with --help, keys of --set with --help-config.
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "architecture/document_commands.h"
#include "cli/child_process.h"

namespace linformer {
namespace {

using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

using Names = std::set<std::string>;

struct Help {
  Names subcommands, options;
};

/// Reads the output of --help. Its examples stand at the left or at the end, and are no options.
Help read_help(const std::string& text) {
  Help help;
  static const std::regex kOption("^ {1,6}(-.*)"), kName("--[a-z][a-z0-9-]*");
  static const std::regex kSubcommand("^ {1,6}([a-z][a-z-]*) +[^ ].*");
  bool subcommands = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!line.empty() && line[0] != ' ') {
      static const std::regex kHeading("[Ss]ubcommands:|SUBCOMMANDS:");
      subcommands = std::regex_match(line, kHeading);
      if (line.starts_with("Examples")) break;
    } else if (std::regex_match(line, match, kOption)) {
      // "-h,--help   what it does, e.g. with --other": names end at the first two blanks.
      const std::string names = match.str(1).substr(0, match.str(1).find("  "));
      for (auto name = std::sregex_iterator(names.begin(), names.end(), kName);
           name != std::sregex_iterator(); ++name) {
        help.options.insert(name->str());
      }
    } else if (subcommands && std::regex_match(line, match, kSubcommand)) {
      help.subcommands.insert(match[1]);
    }
  }
  return help;
}

std::string output_of(const std::vector<std::string>& command) {
  static std::map<std::vector<std::string>, std::string> known;
  const auto found = known.find(command);
  if (found != known.end()) return found->second;
  const ProgramResult result = run_child(command);
  EXPECT_EQ(result.exit_code, 0) << command.front() << ": " << result.err;
  return known[command] = result.out;
}

/// What is wrong with a call, one line each.
std::vector<std::string> problems_of(const ProgramCall& call) {
  std::vector<std::string> command{call.program};
  Help help = read_help(output_of({call.program, "--help"}));
  std::vector<std::string> problems;
  size_t first = 0;
  if (!help.subcommands.empty()) {
    const std::string name = call.arguments.empty() ? "" : call.arguments.front();
    if (help.subcommands.count(name)) {
      command.push_back(name);
      help = read_help(output_of({call.program, name, "--help"}));
      first = 1;
    } else if (!name.starts_with("-")) {
      return {call.program + " has no command '" + name + "'"};
    }
  }
  Names keys;
  if (call.program == "linformer-train" || call.program == "linformer-finetune") {
    static const std::regex kKey("(?:^|\n) +([a-z_]+[.][a-z_.]+) = ");
    const std::string text = output_of({call.program, "--help-config"});
    for (auto key = std::sregex_iterator(text.begin(), text.end(), kKey);
         key != std::sregex_iterator(); ++key) {
      keys.insert(key->str(1));
    }
  }
  bool sets = false;
  for (size_t i = first; i < call.arguments.size(); ++i) {
    const std::string& word = call.arguments[i];
    if (word == "--") break;
    if (word.starts_with("--")) {
      const std::string option = word.substr(0, word.find('='));
      if (!help.options.count(option)) problems.push_back(command.back() + " has no " + option);
      sets = option == "--set" && !keys.empty();
    } else if (sets && word.find('=') != std::string::npos) {
      const std::string key = word.substr(0, word.find('='));
      if (!keys.count(key)) problems.push_back(command.back() + " has no key " + key);
    }
  }
  return problems;
}

TEST(Documents, HelpIsUnderstood) {
  const Help help = read_help(
      "What it does\n\nOptions:\n  -h,--help                   Print this, not --other\n"
      "  --set KEY=VALUE ...         changes\n\nSubcommands:\n"
      "  train                       Trains\n\nExamples:\n  x --example\n");
  EXPECT_EQ(help.options, (Names{"--help", "--set"}));
  EXPECT_EQ(help.subcommands, Names{"train"});
  EXPECT_THAT(read_help(output_of({"linformer-eval", "--help"})).subcommands,
              IsSupersetOf({"perplexity", "task", "recall"}));
  EXPECT_THAT(read_help(output_of({"linformer-eval", "task", "--help"})).options,
              IsSupersetOf({"--checkpoint", "--input", "--json"}));
}

TEST(Documents, WhatNoProgramHasIsFound) {
  const auto problem = [](const std::string& command) {
    return problems_of(find_calls(command).front());
  };
  EXPECT_THAT(problem("linformer-eval perplexity --checkpoint a"), IsEmpty());
  EXPECT_EQ(problem("linformer-eval perplexty").front(),
            "linformer-eval has no command 'perplexty'");
  EXPECT_EQ(problem("linformer-eval task --modl a").front(), "task has no --modl");
  EXPECT_EQ(problem("linformer-train --set run.dir=a trainig.max_steps=1").front(),
            "linformer-train has no key trainig.max_steps");
}

TEST(Documents, CallsNameOptionsAndKeysThatExist) {
  int calls = 0;
  for (const DocumentCommand& command : all_document_commands()) {
    for (const ProgramCall& call : find_calls(command.text)) {
      if (!call.program.starts_with("linformer-")) continue;
      ++calls;
      EXPECT_THAT(problems_of(call), IsEmpty())
          << command.document << ":" << command.line << ": " << command.text;
    }
  }
  EXPECT_GT(calls, 80);
}

}  // namespace
}  // namespace linformer
