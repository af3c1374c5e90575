#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace linformer {

/// A command that a document shows to its reader.
struct DocumentCommand {
  std::string document;  ///< path in the repository
  size_t line = 0;       ///< of its first line, from 1
  std::string text;      ///< on one line, without comment, prompt and continuation
};

/// The commands of a document in Markdown: the lines of its blocks marked ```sh, and in other
/// blocks those after a prompt ("$ "). A shell function is one command.
std::vector<DocumentCommand> find_commands(const std::string& document, const std::string& text);

/// The commands in the comments of a configuration: indented lines that name a program.
std::vector<DocumentCommand> find_commented_commands(const std::string& path,
                                                     const std::string& text);

/// The commands of README.md, CONTRIBUTING.md, docs/ and configs/.
std::vector<DocumentCommand> all_document_commands();

/// A call of a program of this project or a script of tools/, with its arguments.
struct ProgramCall {
  std::string program;  ///< "linformer-train", "tools/test.sh"
  std::vector<std::string> arguments;
};

/// The calls in a command line: of its pipeline, behind a launcher, and in the variables that it
/// defines. Redirections and variables of the environment are left out.
std::vector<ProgramCall> find_calls(const std::string& command);

/// A line of tests/documents/commands.tsv: how a command is checked.
struct CommandCheck {
  std::string document;
  std::string check;   ///< run, parse, tested or not run
  std::string detail;  ///< run: what is added; tested: the file that runs it; not run: why
  std::string command;
};

std::vector<CommandCheck> read_command_checks();

}  // namespace linformer
