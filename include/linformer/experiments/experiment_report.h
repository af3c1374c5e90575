#pragma once

#include <string>
#include <vector>

#include "linformer/experiments/experiment_plan.h"
#include "linformer/experiments/experiment_runner.h"

namespace linformer {

/// How a report came about, for its first lines.
struct ReportOrigin {
  std::string command;
  std::string version;
  std::string machine;
};

/// Throws UsageError for whatever in the experiments' texts and panels would stop report_html():
/// unknown kinds, keys, runs, variables and templates. To be called before hours of runs.
void check_panels(const ExperimentPlan& plan);

/// The report as one HTML page (html_page.h), made from the records that there are. What is missing
/// is marked, with the reason. A panel whose records lack what it shows, or whose plot fails, is
/// named in its place and in `problems`. Throws UsageError for a panel that names no run.
std::string report_html(const ExperimentPlan& plan, const RunnerResult& result,
                        const ReportOrigin& origin, std::vector<std::string>* problems = nullptr);

/// All records of the plan, with their settings and results; read_report_records() reads them.
std::string report_json(const ExperimentPlan& plan, const RunnerResult& result,
                        const ReportOrigin& origin);

/// experiment, run, seed, hash, step, tokens, seconds, perplexity: a row for each evaluation during
/// pre-training. `tokens` are those read so far, `seconds` as in CurvePoint.
std::string curves_csv(const ExperimentPlan& plan, const RunnerResult& result);

/// experiment, run, seed, hash, key, value: a row for each number in a result, except for curves.
std::string values_csv(const ExperimentPlan& plan, const RunnerResult& result);

/// A table of the `missing` runs (indices into the plan) with their tokens and an estimate of their
/// time, and the hours of all if `num_jobs` run at a time.
std::string describe_plan(const ExperimentPlan& plan, const std::vector<size_t>& missing,
                          int64_t num_jobs, const RunClock& clock);

}  // namespace linformer
