#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "linformer/config/finetune_config.h"
#include "linformer/core/table.h"
#include "linformer/experiments/many_runs.h"
#include "linformer/experiments/sweep.h"
#include "linformer/report/task_result.h"

namespace linformer {

/// The axes of a sweep over fine-tuning runs. learning_rate, batch and epochs are short for
/// training.learning_rate, training.global_batch_size (with its micro-batch) and finetune.epochs.
/// Throws UsageError.
std::vector<SweepAxis> finetune_sweep(const std::vector<std::string>& axes);

struct SuiteOptions : ManyRunsOptions {
  std::vector<std::string> tasks;
  std::vector<Protocol> protocols{Protocol::kTask};
  std::vector<SweepAxis>
      sweep;  ///< tried for protocol kTask, the best on the held-out set is taken
  int64_t sweep_seeds = 1;
  std::vector<std::string> from_mnli;  ///< tasks that start from the MNLI model of their seed
};

struct SuiteResult {
  std::vector<TaskResult> results;   ///< by task, protocol, seed
  std::vector<TaskResult> sweep;     ///< of the settings that were tried
  std::vector<std::string> choices;  ///< what the sweep chose, a line a task
  std::vector<FailedJob> failed;
  bool complete = true;  ///< false: a signal came; what is done is kept
};

/// Makes `config` the number-th run (from 0) below OUTPUT/TASK/PROTOCOL: sets its seed, its folder
/// seed-N and, with folds, its fold.
void place_run(FinetuneConfig& config, const std::string& folder, int64_t number);

/// The configuration of a task under a protocol with further --set arguments.
using ConfigOfTask = std::function<FinetuneConfig(const std::string& task, Protocol protocol,
                                                  const std::vector<std::string>& overrides)>;

/// Executes all runs, several at a time, each as a process of its own with its folder below
/// options.output. Runs that are already done with the same settings are skipped. SIGTERM and
/// SIGINT stop it; the same call continues. Throws UsageError if a folder holds a result of other
/// settings.
SuiteResult run_suite(const SuiteOptions& options, const ConfigOfTask& config_for);

/// What run_suite() would execute, a row for each run: its folder, task, protocol, seed, setting,
/// and "new", "finished" or the status of a run that has begun. Runs with the best setting of a
/// sweep, which is not known yet, are "new" or have "a result", perhaps of another setting. Throws
/// UsageError as run_suite().
TableRows planned_table(const SuiteOptions& options, const ConfigOfTask& config_for);

}  // namespace linformer
