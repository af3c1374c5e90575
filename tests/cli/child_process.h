#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace linformer {

struct ProgramResult {
  int exit_code = -1;  ///< 128 + n if signal n killed it
  std::string out, err;
};

struct ProgramOptions {
  std::string standard_input = {};
  /// Largest file that the program may write; writing more fails, as on a full disk. 0 = any.
  size_t max_file_bytes = 0;
  /// NAME=VALUE each, over the test's own environment.
  std::vector<std::string> environment = {};
  /// A process group of its own, to send signals to what it starts as well: kill(-pid, ...).
  bool own_group = false;
  /// Nobody reads what it says: both outputs are pipes without a reader, as behind `| head`.
  bool closed_outputs = false;
  /// Called every few milliseconds while the program runs; may send it signals.
  std::function<void(pid_t)> meanwhile = {};
};

/// Runs a program of this build, e.g. {"linformer-data", "--version"}.
ProgramResult run_child(const std::vector<std::string>& command,
                        const ProgramOptions& options = {});

}  // namespace linformer
