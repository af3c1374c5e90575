#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace linformer {

/// What `--help` says about a program.
struct ProgramInfo {
  std::string name;                   ///< "linformer-data"
  std::string description;            ///< a sentence or two
  std::vector<std::string> examples;  ///< command lines, shown at the end of the help
};

/// The main function of every program. It builds the command line, runs the command, and turns
/// errors into exit codes (README.md, "Exit codes"):
///
///   0  done, also for --help and --version
///   1  RunError, or any other exception: failed at run time
///   2  UsageError, or a command line that cannot be understood
///   128 + n  ended by stop signal n (core/stop_signal.h) after a clean shutdown: 130 SIGINT, 143
///            SIGTERM, 129 SIGHUP, 152 SIGXCPU. If the shutdown failed, it is an error, 1
///
/// `build` adds options and subcommands. What a subcommand does goes into its callback(), which may
/// throw. A stop signal ends the program at once, unless the callback has called
/// defer_stop_signals(): then the running work has to check the flag. Results go to stdout,
/// everything else to stderr. A stdout that cannot be written is an error. `--version` is added
/// here; `--help` by the library.
int run_program(int argc, char** argv, const ProgramInfo& info,
                const std::function<void(CLI::App&)>& build);

/// Throws RunError if standard output could not be written so far: its reader is gone, or the disk
/// is full. For loops that print much.
void check_output();

/// Creates the folder that a file is to be written to.
void make_parent_directory(const std::string& path);

/// `text` without `prefix`, which may be left out: "model.hidden_size=8" and "hidden_size=8".
std::string without_prefix(const std::string& text, const std::string& prefix);

/// Adds examples to the end of a (sub)command's help.
void add_examples(CLI::App& app, const std::vector<std::string>& examples);

/// "0.1.0"
std::string program_version();

}  // namespace linformer
