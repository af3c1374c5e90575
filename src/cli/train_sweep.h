#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace linformer {

/// The options of linformer-train for many runs; the words are those of linformer-finetune.
struct SweepArguments {
  std::vector<std::string> sweep;
  int64_t num_seeds = 1;
  int64_t num_jobs = 1;
  int64_t num_devices = 0;
  bool keep_models = false;
  bool report_only = false;
  bool json = false;

  bool given() const { return !sweep.empty() || num_seeds > 1 || report_only; }
};

void add_sweep_options(CLI::App& program, SweepArguments& arguments);

/// What a sweep shares with a single run.
struct SweepBase {
  std::string config;
  std::vector<std::string> overrides;
  std::string output;  ///< "": run.dir of the configuration
  bool dry_run = false;
};

/// Executes the runs and prints their table; with dry_run, lists them.
void run_train_sweep(const SweepArguments& arguments, const SweepBase& base);

}  // namespace linformer
