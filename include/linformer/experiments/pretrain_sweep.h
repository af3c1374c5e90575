#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "linformer/config/pretrain_config.h"
#include "linformer/core/table.h"
#include "linformer/experiments/many_runs.h"
#include "linformer/experiments/sweep.h"

namespace linformer {

/// The axes of a sweep over pre-training runs. learning_rate and batch are short for
/// training.learning_rate and training.global_batch_size; other keys are written as in --set.
/// Throws UsageError.
std::vector<SweepAxis> pretrain_sweep(const std::vector<std::string>& axes);

struct PretrainSweepOptions : ManyRunsOptions {
  std::string config;                  ///< YAML file
  std::vector<std::string> overrides;  ///< --set arguments of every run
  std::vector<SweepAxis> sweep;        ///< none: seeds of one setting
};

/// One run of a sweep: OUTPUT/SETTING/seed-N, or OUTPUT/seed-N without axes.
struct SweepRun {
  std::string setting;                 ///< "learning_rate=1e-3,batch=8"; "" without axes
  std::vector<std::string> overrides;  ///< that make the setting
  PretrainConfig config;
  bool done = false;  ///< finished with these settings
};

/// All runs, by setting and seed. Every configuration is checked. Throws UsageError for a setting
/// that is none, for a configuration without held-out text, and for a folder with a finished run
/// of other settings.
std::vector<SweepRun> plan_sweep(const PretrainSweepOptions& options);

/// Whether it has trained to its end, with a held-out loss.
bool is_finished(const SweepRun& run);

/// Opens the data and the starting model of each setting that is not done, as its runs will. Throws
/// UsageError or RunError where they would fail.
void check_data(const std::vector<SweepRun>& runs);

/// What `--dry-run` prints: the folder, the setting, the seed and the state of each run.
TableRows planned_table(const std::vector<SweepRun>& runs);

/// Executes the runs that are not done, several at a time, each as a process. Of finished runs,
/// only the model of the lowest held-out loss is kept, unless keep_models. At a stop signal all are
/// saved; the same call continues.
std::vector<FailedJob> run_sweep(const PretrainSweepOptions& options,
                                 const std::vector<SweepRun>& runs);

/// The finished runs of one setting.
struct SweepRow {
  std::string setting;
  std::vector<int64_t> seeds = {};
  std::vector<double> losses = {};  ///< held-out, in nats, of the last evaluation; by seed
  double mean = 0.0;                ///< of the losses
  std::string best = {};            ///< folder of the run with the lowest loss
};

/// The settings with a finished run, the lowest mean held-out loss first.
std::vector<SweepRow> sweep_rows(const std::vector<SweepRun>& runs);
TableRows sweep_table(const std::vector<SweepRow>& rows);
/// {"settings": [...]}, in the same order.
std::string sweep_json(const std::vector<SweepRow>& rows);

}  // namespace linformer
