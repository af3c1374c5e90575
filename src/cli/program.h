#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace linformer {

/// What `--help` says about a program as a whole.
struct ProgramInfo {
  std::string name;                   ///< "linformer-data"
  std::string description;            ///< a sentence or two
  std::vector<std::string> examples;  ///< command lines, shown at the end of the help
};

/// The frame of every program: builds the command line, runs what it asks for, and turns errors
/// into exit codes (README.md, "Exit codes"):
///
///   0  done, also for --help and --version
///   1  RunError, or any other exception: failed at run time
///   2  UsageError, or a command line that cannot be understood
///   130, 143  ended by SIGINT or SIGTERM after putting things in order
///
/// `build` adds options and subcommands; what a subcommand does goes into its callback(), which
/// may throw. SIGINT and SIGTERM only set the flag of core/stop_signal.h: long work has to look at
/// it. Results go to stdout, everything else to stderr; a stdout that cannot be written is an
/// error. `--version` is added here; `--help` by the library.
int run_program(int argc, char** argv, const ProgramInfo& info,
                const std::function<void(CLI::App&)>& build);

/// Adds examples to the end of a (sub)command's help.
void add_examples(CLI::App& app, const std::vector<std::string>& examples);

/// "0.1.0"
std::string program_version();

}  // namespace linformer
