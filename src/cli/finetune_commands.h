#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "many_runs.h"

#include "linformer/report/task_result.h"

namespace linformer {

/// The command line of linformer-finetune.
struct FinetuneArguments : ManyRunsArguments {
  std::string config;
  std::vector<std::string> overrides;
  std::string task, data, model, output;
  std::optional<int64_t> seed;
  std::string baseline;
  bool config_help = false;
  bool dry_run = false;
  bool force_slow_precision = false;
  bool json = false;

  // For many runs.
  std::string suite;
  std::vector<std::string> sweep;
  int64_t sweep_seeds = 1;
  std::vector<std::string> protocols;
  bool from_mnli = false;
  std::vector<std::string> compare;
  std::string submission;
  bool allow_partial = false;

  bool is_suite() const {
    return !suite.empty() || num_seeds > 1 || !sweep.empty() || report_only ||
           !submission.empty() || !compare.empty();
  }
};

/// The options that stand for keys, as --set arguments; those of the command line come last.
std::vector<std::string> assignments(const FinetuneArguments& arguments);

/// Executes the runs of a suite and prints their tables.
void run_finetune_suite(FinetuneArguments arguments);

}  // namespace linformer
