#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "linformer/config/experiment_file.h"

namespace linformer {

struct PlanOptions {
  std::string experiments = "configs/experiments";  ///< folder of the files
  std::string report = "paper";
  std::string scale = "tiny";
  std::vector<std::string> only;  ///< names of experiments; empty = all of the report
  int64_t num_seeds = 0;          ///< of runs that ask for no fewer; 0 = the scale's
  std::string output;             ///< folder of runs, records and page
};

/// One run of one seed: what it computes, how, and for how long.
struct PlannedRun {
  RunType type = RunType::kPretraining;
  std::string experiment;
  std::string name;   ///< the same for all seeds of the run
  std::string label;  ///< what the page calls the run; the same for all seeds
  int64_t seed = 1;
  TemplateValues values;  ///< of the scale, and of the run's own variables
  std::string folder;     ///< OUTPUT/runs/EXPERIMENT/NAME/seed-N
  /// As a user would type them, with {checkpoint} replaced. The runner adds the number of threads.
  std::vector<std::vector<std::string>> commands;
  /// What is computed, one line "key: value" for each setting. Folders, threads, saving and logging
  /// are left out. The hashes of the runs that it depends on are in.
  std::string settings;
  std::string hash;               ///< XXH3 of `settings`, 16 hexadecimal digits
  std::optional<size_t> model;    ///< the run whose model it reads: an index into the plan
  std::optional<size_t> same_as;  ///< an earlier run with the same hash, which stands for this one
  bool chosen = true;             ///< false: it is there only because other runs need it
  bool alone = false;             ///< nothing else may run beside it, since it measures time
  double flops = 0.0;             ///< in all, of a pre-training run; otherwise 0
  int64_t tokens = 0;             ///< that a pre-training run reads; otherwise 0
  double seconds = 0.0;           ///< an estimate; 0 for pre-training, which `flops` estimates

  /// EXPERIMENT/NAME/seed-N
  std::string id() const;
};

/// All runs of a report at one scale.
struct ExperimentPlan {
  ReportFile report;
  ScaleFile scale;
  std::vector<ExperimentFile> experiments;  ///< the chosen ones, in the order of the page
  std::vector<PlannedRun> runs;             ///< each comes after the run whose model it reads
  int64_t num_seeds = 1;
};

/// Reads the files, and resolves and validates the configuration of every run. Throws UsageError
/// for an unknown report, scale or experiment (with the known names), for a run that names an
/// unknown model, for two runs of one name and for a wrong setting.
ExperimentPlan make_plan(const PlanOptions& options);

/// Whether a name fits a pattern, in which * stands for any text.
bool matches_pattern(const std::string& name, const std::string& pattern);

/// The scales that exist: names of EXPERIMENTS/scales/*/scale.yaml, in alphabetical order.
std::vector<std::string> known_scales(const std::string& experiments);

}  // namespace linformer
