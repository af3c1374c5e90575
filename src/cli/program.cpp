#include "program.h"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/machine.h"
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

/// The suggestion for an unknown argument: the option or subcommand with the nearest name.
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

int report_wrong_usage(const ProgramInfo& info, const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = innermost(app);
  const bool unknown = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  print_error(info.name, "command line: " + std::string(error.what()) +
                             "\n  fix: " + (unknown ? suggestion(command) : "") + "see " +
                             command_of(command) + " --help");
  return kWrongUsage;
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

std::string program_version() {
  return library_version();
}

void add_examples(CLI::App& app, const std::vector<std::string>& examples) {
  std::string text = "Examples:";
  for (const std::string& example : examples) text += "\n  " + example;
  app.footer(text);
}

int run_program(int argc, char** argv, const ProgramInfo& info,
                const std::function<void(CLI::App&)>& build) {
  CLI::App app(info.description, info.name);
  app.set_version_flag("--version", info.name + " " + program_version());
  app.get_formatter()->column_width(34);
  if (!info.examples.empty()) add_examples(app, info.examples);
  try {
    install_signals();
    build(app);
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
