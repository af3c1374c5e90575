#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linformer/experiments/experiment_plan.h"
#include "linformer/experiments/run_record.h"

namespace linformer {

struct RunnerOptions {
  std::string output;             ///< as in PlanOptions
  std::string programs;           ///< folder of linformer-train and the others
  std::string version;            ///< for the records
  int64_t num_jobs = 1;           ///< runs at a time; they share the cores
  int64_t num_cores = 1;          ///< of the machine
  RunRecords known;               ///< of earlier reports; a run with such a hash is not done again
  double flops_per_second = 0.0;  ///< that one run reaches, for estimates; 0 = measured
  double stop_seconds = 3.0;      ///< that a measurement has to end; a second Ctrl-C counts after 5
};

/// What became of a planned run.
enum class RunState {
  kWaiting,  ///< not started, since a signal came
  kDone,
  kFailed,
  kBlocked,  ///< the run whose model it reads failed
};

struct RunOutcome {
  RunState state = RunState::kWaiting;
  std::string reason;  ///< of a failure
};

struct RunnerResult {
  std::vector<RunOutcome> outcomes;  ///< of each planned run, in the order of the plan
  RunRecords records;                ///< of the runs that are done, by hash
  bool complete = true;              ///< false: a signal came
};

/// The runs that still have to be executed, as indices into the plan. These are the runs without a
/// record. A run with a record is among them too, if such a run reads its model and its folder does
/// not have the model at the end of training. Runs of one configuration (same_as) count once.
/// Throws UsageError, naming the run and the first changed setting, if a folder of the plan holds a
/// run of another configuration.
std::vector<size_t> missing_runs(const ExperimentPlan& plan, const RunRecords& records,
                                 const std::string& output);

/// Executes the missing runs, `num_jobs` at a time, each as processes of its own, and writes a
/// record for each as soon as it is done. A pre-training run whose folder has a checkpoint goes on
/// from there. A failed run leaves the others alone. SIGTERM and SIGINT stop it in order; the same
/// call continues.
RunnerResult execute_plan(const ExperimentPlan& plan, const RunnerOptions& options);

/// The records of a plan that exist already, without executing anything.
RunnerResult recorded_results(const ExperimentPlan& plan, const RunRecords& records);

/// Estimates the seconds that runs take: from runs that are done, before that from FLOPs.
class RunClock {
 public:
  /// `flops_per_second` is that of one run among `num_jobs`, before any was measured.
  explicit RunClock(double flops_per_second) : rate_(flops_per_second) {}

  double seconds_of(const PlannedRun& run) const;
  /// Learns from a run that took this long.
  void learn(const PlannedRun& run, double seconds);

 private:
  double rate_;
  double flops_ = 0.0, seconds_ = 0.0;
  double planned_ = 0.0, taken_ = 0.0;  // of runs with given seconds
};

/// An estimate of the FLOP/s that a training run reaches if `num_jobs` share the cores or the
/// device that run.device: auto selects: a share of the matrix-multiply peak, which is measured at
/// each call.
double expected_flops_per_second(int64_t num_jobs);

}  // namespace linformer
