#pragma once

#include <string>
#include <vector>

#include "many_runs.h"

namespace linformer {

/// The options of linformer-train for many runs; the words are those of linformer-finetune.
struct SweepArguments : ManyRunsArguments {
  std::vector<std::string> sweep;
  bool json = false;  ///< also of a single run: the result

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
