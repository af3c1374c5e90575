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
  int64_t num_seeds = 0;          ///< 0 = the scale's
  std::string output;             ///< folder of runs, records and page
};

/// One run of one seed, with everything that it takes.
struct PlannedRun {
  RunType type = RunType::kPretraining;
  std::string experiment;
  std::string name;   ///< of the run, the same for all its seeds
  std::string label;  ///< ditto, for people
  int64_t seed = 1;
  TemplateValues values;  ///< of the scale, and of the run's own variables
  std::string folder;     ///< OUTPUT/runs/EXPERIMENT/NAME/seed-N
  /// As a user would type them; {checkpoint} is replaced. Threads are added when they are started.
  std::vector<std::vector<std::string>> commands;
  /// What is computed, a line "key: value" each: every setting but places and threads, and the
  /// hashes of the runs that it depends on.
  std::string settings;
  std::string hash;               ///< XXH3 of `settings`, 16 hexadecimal digits
  std::optional<size_t> model;    ///< the run whose model it reads: an index into the plan
  std::optional<size_t> same_as;  ///< an earlier run with the same hash, which stands for this one
  bool chosen = true;             ///< false: only other runs need it
  bool alone = false;
  double flops = 0.0;    ///< of a pre-training run
  int64_t tokens = 0;    ///< of a pre-training run
  double seconds = 0.0;  ///< about; 0 for pre-training (see flops)

  /// EXPERIMENT/NAME/seed-N
  std::string id() const;
};

/// All runs of a report at one scale.
struct ExperimentPlan {
  ReportFile report;
  ScaleFile scale;
  std::vector<ExperimentFile> experiments;  ///< the chosen ones, in the order of the page
  std::vector<PlannedRun> runs;             ///< a run stands behind the one whose model it reads
  int64_t num_seeds = 1;
};

/// Reads the files, resolves and validates the configuration of every run. Throws UsageError: an
/// unknown report, scale or experiment (with the known names), a run that names an unknown model,
/// two runs of one name, a wrong setting.
ExperimentPlan make_plan(const PlanOptions& options);

/// Whether a name fits a pattern, in which * stands for any text.
bool matches_pattern(const std::string& name, const std::string& pattern);

/// The scales that exist: names of EXPERIMENTS/scales/*/scale.yaml, in alphabetical order.
std::vector<std::string> known_scales(const std::string& experiments);

}  // namespace linformer
