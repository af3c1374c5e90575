#include "many_runs.h"

#include <CLI/CLI.hpp>

#include "dry_run_checks.h"
#include "option_checks.h"

#include "linformer/config/setting_names.h"
#include "linformer/core/child_process.h"
#include "linformer/core/error.h"
#include "linformer/core/processors.h"
#include "linformer/kernels/compute_device.h"
#include "linformer/report/run_folder.h"

namespace linformer {
namespace {

constexpr const char* kGroup = "Many runs";

}  // namespace

void add_many_runs_options(CLI::App& program, ManyRunsArguments& arguments,
                           const std::string& each) {
  const auto group = [&](auto* option) { return option->group(kGroup); };
  group(program.add_option("--seeds", arguments.num_seeds,
                           "runs of each " + each + ", with seeds run.seed, run.seed + 1, ..."))
      ->check(takes_between(1, 1000));
  group(program.add_option("--jobs", arguments.num_jobs, "runs at a time; they share the cores"))
      ->check(takes_between(1, 1024));
  group(program.add_option("--devices", arguments.num_devices,
                           "CUDA devices to distribute the runs over"))
      ->check(takes_between(0, 64));
}

void refuse_many_runs_options(const CLI::App& program, const std::string& starters) {
  for (const CLI::Option* option : program.get_options()) {
    if (option->get_group() != kGroup || option->count() == 0) continue;
    if (option->get_name() == "--seeds") continue;  // --seeds 1 is a single run
    fail_usage(option->get_name(), "is an option for many runs, and this is a single one",
               "leave it out, or add " + starters);
  }
}

void check_folder_of_runs(const std::string& output) {
  refuse_file_as_folder(output);
  if (is_run_folder(output)) {
    fail_usage(setting_name("run.dir"), output + " is the folder of a single run",
               "name another folder for many runs, with --output");
  }
}

void take_many_runs(const ManyRunsArguments& arguments, ManyRunsOptions& options) {
  options.num_seeds = arguments.num_seeds;
  options.program = this_program();
  check_processes("--jobs", arguments.num_jobs);
  options.num_jobs = arguments.num_jobs;
  if (arguments.num_devices > 0 && arguments.num_devices > num_cuda_devices()) {
    fail_usage("--devices",
               std::to_string(arguments.num_devices) + ", and LibTorch finds " +
                   std::to_string(num_cuda_devices()) + " on this machine",
               "leave it out, or choose fewer; a LibTorch without CUDA finds none");
  }
  options.num_devices = arguments.num_devices;
  options.num_cores = num_processors();
  options.keep_models = arguments.keep_models;
}

void fail_runs(const std::string& output, const std::string& what,
               const std::vector<FailedJob>& failed) {
  std::string failures;
  for (const FailedJob& job : failed) failures += "\n  " + job.folder + ": " + job.reason;
  fail_run(output, what + failures, "see run.log in their folders; the same command repeats them");
}

}  // namespace linformer
