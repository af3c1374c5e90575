#include "program.h"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>

#include "completion.h"
#include "help_format.h"
#include "man_page.h"
#include "option_checks.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/machine.h"
#include "linformer/core/quiet.h"
#include "linformer/core/stop_signal.h"

namespace linformer {

namespace {

constexpr int kRunFailed = 1;
constexpr int kWrongUsage = 2;
constexpr int kSignalBase = 128;

void print_error(const std::string& program, const std::string& message) {
  std::fprintf(stderr, "%s: error: %s\n", program.c_str(), message.c_str());
}

/// The (sub)command that the command line selected.
const CLI::App& innermost(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : innermost(*parsed.front());
}

std::string command_of(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent ? command_of(*parent) + " " + app.get_name() : app.get_name();
}

/// The suggestion for an unknown argument: the option or command with the nearest name.
std::string suggestion(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const CLI::App* subcommand : command.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(subcommand->get_name());
  }
  for (const std::string& unknown : command.remaining(true)) {
    const std::string nearest = nearest_name(unknown.substr(0, unknown.find('=')), names);
    if (!nearest.empty()) return "did you mean " + nearest + "? ";
  }
  return "";
}

/// What is wrong with the command line. The library reports a mistyped name as another one that is
/// missing.
std::string wrong_usage(const CLI::App& command, const CLI::ParseError& error) {
  const auto commands = command.get_subcommands([](const CLI::App*) { return true; });
  const std::vector<std::string> unknown = command.remaining(true);
  const bool missing = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
  if (!missing) return error.what();
  if (!unknown.empty() && unknown.front().starts_with("-")) {
    return "there is no option " + unknown.front();
  }
  if (commands.empty() || !command.get_subcommands().empty()) return error.what();
  if (!unknown.empty()) return "there is no command " + unknown.front();
  std::string names;
  for (const CLI::App* known : commands) names += (names.empty() ? "" : ", ") + known->get_name();
  return "a command is needed: " + names;
}

int report_wrong_usage(const ProgramInfo& info, const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = innermost(app);
  print_error(info.name, "command line: " + wrong_usage(command, error) + "\n  fix: " +
                             suggestion(command) + "see " + command_of(command) + " --help");
  return kWrongUsage;
}

/// Options that every program has.
void add_common_options(CLI::App& app) {
  app.set_version_flag("--version", app.get_name() + " " + program_version());
  const auto print = [&app](const std::string& text) {
    std::printf("%s", text.c_str());
    throw CLI::Success();
  };
  app.add_option_function<std::string>(
         "--completion",
         [&app, print](const std::string& shell) {
           const CommandText program = describe_command(app);
           print(shell == "bash" ? bash_completion(program) : zsh_completion(program));
         },
         "print the script that completes command lines in this shell")
      ->check(takes_one_of({"bash", "zsh"}))
      ->trigger_on_parse();
  app.add_flag_callback(
         "--man-page", [&app, print] { print(man_page(describe_command(app), program_version())); },
         "print the manual page: " + app.get_name() + " --man-page | man -l -")
      ->trigger_on_parse();
}

/// --quiet for the program, or for each of its commands.
void add_quiet_option(CLI::App& app) {
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  for (CLI::App* command : commands) add_quiet_option(*command);
  if (commands.empty()) {
    app.add_flag_callback("--quiet", &be_quiet, "no progress; only results, warnings and errors")
        ->trigger_on_parse();
  }
}

/// Whole numbers are checked, whatever else an option checks.
void check_integers(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (type.starts_with("INT") || type.starts_with("UINT")) option->check(fits_an_integer());
  }
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    check_integers(*command);
  }
}

/// The examples that call this command, each with the lines that continue it.
std::vector<std::string> examples_of(const std::string& command,
                                     const std::vector<std::string>& examples) {
  std::vector<std::string> own;
  bool starts = true;
  bool is_own = false;
  for (const std::string& line : examples) {
    if (starts) is_own = (line + " ").starts_with(command + " ");
    if (is_own) own.push_back(line);
    starts = !line.ends_with("\\");
  }
  return own;
}

/// The program's help has all examples; a command without its own has those that call it.
void add_program_examples(CLI::App& app, const std::vector<std::string>& examples) {
  if (examples.empty()) return;
  add_examples(app, examples);
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_footer().empty()) continue;
    const std::vector<std::string> own = examples_of(command_of(*command), examples);
    if (!own.empty()) add_examples(*command, own);
  }
}

RunError output_error() {
  return {"standard output", "the results could not be written",
          "check the disk or the program that reads them"};
}

/// A full disk or a closed pipe behind stdout is noticed only when the buffer is written.
int finish_output(const ProgramInfo& info) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
  print_error(info.name, output_error().what());
  return kRunFailed;
}

int failure(const ProgramInfo& info, const std::string& message, int exit_code) {
  std::fflush(stdout);
  print_error(info.name, message);
  return exit_code;
}

std::string system_message(const std::system_error& error) {
  if (error.code() != std::errc::resource_unavailable_try_again) return error.what();
  return "threads: the system gives this program no more of them (" + std::string(error.what()) +
         ")\n  fix: ask for fewer threads, or raise the limit (ulimit -u, or the container's)";
}

}  // namespace

void check_output() {
  if (std::ferror(stdout) != 0) throw output_error();
}

void make_parent_directory(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) make_directories(parent.string());
}

std::string program_version() {
  return library_version();
}

std::string without_prefix(const std::string& text, const std::string& prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

void add_examples(CLI::App& app, const std::vector<std::string>& examples) {
  std::string text = "Examples:";
  for (const std::string& example : examples) text += "\n  " + example;
  app.footer(text);
}

int run_program(int argc, char** argv, const ProgramInfo& info,
                const std::function<void(CLI::App&)>& build) {
  CLI::App app(info.description, info.name);
  app.formatter(help_format());
  try {
    install_signals();
    build(app);
    check_integers(app);
    add_program_examples(app, info.examples);
    add_quiet_option(app);
    add_common_options(app);
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return report_wrong_usage(info, app, error);
    app.exit(error);  // --help and --version
    return finish_output(info);
  } catch (const StopError& error) {
    return failure(info, error.what(), kSignalBase + stop_signal());
  } catch (const Error& error) {
    return failure(info, error.what(), error.exit_code());
  } catch (const std::bad_alloc&) {
    return failure(info, "memory: not enough of it\n  fix: free some, or ask for less at a time",
                   kRunFailed);
  } catch (const std::system_error& error) {
    return failure(info, system_message(error), kRunFailed);
  } catch (const std::exception& error) {
    return failure(info, error.what(), kRunFailed);
  }
  const int output = finish_output(info);
  return stop_signal() != 0 ? kSignalBase + stop_signal() : output;
}

}  // namespace linformer
