#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace linformer {

/// An option or an argument without a name, as --help, completion scripts and manual pages show it.
struct OptionText {
  std::vector<std::string> names;    ///< "--help", "-h"; of an argument without a dash: its name
  std::string value;                 ///< what it takes: "TEXT", "N", "X"; empty: a flag
  std::vector<std::string> choices;  ///< the names that it takes, if only some
  std::string range;                 ///< "1 to 64"
  std::string help;
  std::string default_value;
  bool required = false;
  bool repeats = false;  ///< takes several values

  /// "{bf16,fp32}", "N", "TEXT ..."; empty for a flag.
  std::string value_text() const;
  /// The help with what is allowed and the default: "threads of the CPU (0 or more; default 1)".
  std::string full_help() const;
};

struct CommandText {
  std::string name;  ///< "perplexity"; of a program "linformer-eval"
  std::string description;
  std::vector<OptionText> options;
  std::vector<OptionText> arguments;
  std::vector<CommandText> commands;
  std::vector<std::string> examples;  ///< lines; a line after one that ends in "\" continues it
  /// A command of `linformer`: the program linformer-NAME, with options and commands of its own.
  bool is_program = false;
};

/// The group of such commands in --help.
constexpr const char* kProgramsGroup = "Programs";

OptionText describe_option(const CLI::Option& option);

/// What was declared for a program or a command, without hidden options.
CommandText describe_command(const CLI::App& app);

}  // namespace linformer
