#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linformer/experiments/many_runs.h"

namespace CLI {
class App;
}

namespace linformer {

/// The options for many runs that programs share.
struct ManyRunsArguments {
  int64_t num_seeds = 1;
  int64_t num_jobs = 1;
  int64_t num_devices = 0;
  bool keep_models = false;
  bool report_only = false;
};

/// --seeds, --jobs and --devices, in the group "Many runs". `each` is what has seeds: "setting".
void add_many_runs_options(CLI::App& program, ManyRunsArguments& arguments,
                           const std::string& each);

/// Throws UsageError if an option of the group "Many runs" was given to a single run. `starters`
/// names the options that make many: "--sweep or --seeds 2".
void refuse_many_runs_options(const CLI::App& program, const std::string& starters);

/// Throws UsageError if the folder that is to hold all runs is a run itself, or a file.
void check_folder_of_runs(const std::string& output);

/// Sets what the command line and the machine decide. Throws UsageError for more jobs than the
/// machine allows.
void take_many_runs(const ManyRunsArguments& arguments, ManyRunsOptions& options);

/// Throws RunError about the runs below `output` that failed.
[[noreturn]] void fail_runs(const std::string& output, const std::string& what,
                            const std::vector<FailedJob>& failed);

}  // namespace linformer
