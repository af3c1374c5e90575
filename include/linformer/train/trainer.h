#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/config/resume_rules.h"
#include "linformer/config/trainer_config.h"
#include "linformer/core/file_lock.h"
#include "linformer/data/prefetch.h"
#include "linformer/optim/optimizer.h"
#include "linformer/optim/weight_average.h"
#include "linformer/report/progress.h"
#include "linformer/report/remaining_time.h"
#include "linformer/report/run_journal.h"
#include "linformer/report/run_log.h"
#include "linformer/train/checkpoint_writer.h"
#include "linformer/train/communicator.h"
#include "linformer/train/objective.h"
#include "linformer/train/step_graph.h"
#include "linformer/train/step_guard.h"
#include "linformer/train/step_precision.h"
#include "linformer/train/step_profiler.h"
#include "linformer/train/training_state.h"
#include "linformer/train/training_step.h"

namespace linformer {

enum class StopReason { kFinished, kEarlyStop, kTimeBudget, kSignal, kSessionEnd };

/// As journals and results have it: "finished", "stopped early", "time is up", "signal", "session's
/// end".
const char* words_of(StopReason reason);

/// Sums over the micro-batches of one step; divided once, at the end.
struct StepTotals {
  double loss_sum = 0.0;
  int64_t num_labels = 0;
  int64_t num_tokens = 0;
  double gradient_norm = 0.0;  ///< of the mean loss, before clipping; NaN: fp16 overflowed
  double learning_rate = 0.0;
  std::vector<SampleId> not_finite;    ///< sequences of micro-batches whose loss was not finite
  std::optional<std::string> problem;  ///< why the weights were left as they are

  /// Counts a micro-batch. Its loss is counted by read_losses().
  void add(const LossSum& loss, const Batch& batch);

  /// Reads the losses added since the last call, which waits for the device.
  void read_losses();

  /// NaN for a step with nothing to predict.
  double mean_loss() const {
    return num_labels > 0 ? loss_sum / static_cast<double>(num_labels) : std::nan("");
  }

 private:
  struct PendingLoss {
    at::Tensor sum;  ///< on the CPU; on its way until the device is waited for
    std::vector<SampleId> samples;
  };
  std::vector<PendingLoss> pending_;
  std::optional<c10::Device> device_;  ///< that the pending losses come from
};

/// The weights that model.safetensors of a checkpoint holds with training.ema_decay; training/ has
/// the others.
enum class ModelWeights { kRaw, kAveraged };

/// What a trainer is set up with.
struct TrainerSetup {
  RunKind kind = RunKind::kPretraining;
  TrainerConfig config;
  Settings settings;            ///< compared_settings() of the whole configuration
  std::string resolved_yaml;    ///< becomes config.yaml
  std::string shared_settings;  ///< settings_text() of what all processes have to agree on
  struct Loader {
    int64_t prefetch_batches = 8;
    int64_t threads = 1;
  };
  Loader loader;
  ModelWeights model_weights = ModelWeights::kRaw;
  /// Called on rank 0 after each evaluation that is in log.jsonl.
  std::function<void()> after_evaluation = {};
};

/// Trains one run folder: steps, evaluations, checkpoints, log. What is learned is the objective's
/// matter.
///
/// The same configuration, data and number of threads give the same bits, however often the run is
/// stopped and resumed. With several processes, each has a trainer and all call the same methods;
/// only rank 0's trainer uses the run folder.
class Trainer {
 public:
  /// Locks and creates the run folder, and resumes from the newest whole checkpoint as
  /// checkpoint.resume says. `objective` has to outlive the trainer. Throws Error.
  Trainer(Objective& objective, TrainerSetup setup,
          std::shared_ptr<ProcessGroup> processes = std::make_shared<ProcessGroup>());

  /// Trains to the end of the run or until a stop signal; saves in either case.
  StopReason run();

  const TrainingState& state() const { return state_; }
  const CheckpointStore& checkpoints() const { return checkpoints_; }

 private:
  void prepare_run_folder();
  void resume(const NamedTensors& moments);
  void load_checkpoint(const std::string& folder, const NamedTensors& moments);
  void take_average(const std::string& folder);
  /// Refuses to go on from a checkpoint of another run.
  void check_resumable(const TrainingState& saved, const std::string& folder) const;
  /// Continues from `saved`. If scores are not comparable any more, the best one is forgotten.
  void take_state(const TrainingState& saved);
  /// Reports which settings differ from those of the checkpoint that the run was resumed from.
  void compare_settings(const std::string& folder);
  /// Whether the state needs no further step.
  bool is_over() const;
  /// For a session without a step: refuses it if the next session would be as short.
  void check_session_length() const;
  double next_learning_rate() const;
  std::optional<StopReason> finished();
  /// Of this process alone; takes what SIGUSR1 asked for.
  ControlFlags control_flags() const;
  StopReason train();
  /// journal.jsonl, by rank 0: a session begins (its first step is near), or ends.
  void begin_session();
  void end_session(const std::string& event, const LogRecord& values);
  /// The last evaluation and the last checkpoint.
  void finish();
  void start_prefetcher();
  /// training.step_graph: sets graph_, or says why there is none.
  void start_graph();
  int64_t micro_batches_per_process() const;
  /// One step. Returns nothing if a stop signal came before it; then nothing has changed. The
  /// weights are updated unless the guard finds a problem.
  std::optional<StepTotals> train_step();
  /// Whether training.max_steps are done. finish() then does the rest.
  bool is_last_step() const;
  /// Whether the weights are good enough for a checkpoint.
  bool is_sound() const;
  /// Whether a stop signal ends the run before the step is complete.
  bool stops_within_step() const;
  /// Forward and backward pass of this process's `number`-th micro-batch, which is returned; its
  /// sums go into `totals` before `backward` is called.
  Batch accumulate(int64_t number, StepTotals& totals, const TrainingStep::Backward& backward);
  /// `last`: the micro-batch that logging.statistics_every looks at.
  void update(StepTotals& totals, const Batch& last);
  void pass_over_step();
  void advance(int64_t num_tokens);
  /// Logs a step that was skipped, and rolls back if it is one too many.
  void handle_problem(const StepTotals& totals);
  void report_skip(const StepTotals& totals, const std::string& names);
  void roll_back(const StepTotals& totals);
  std::optional<Checkpoint> rollback_target(int64_t last_good_step) const;
  void report_rollback(int64_t bad_step);
  [[noreturn]] void give_up(const StepTotals& totals, const std::string& why) const;
  /// What to change if numbers are not finite: before the first update the starting weights, later
  /// the updates.
  std::string what_to_change() const;
  void log_step(const StepTotals& totals);
  /// Counts steps without anything to predict, and warns at the first one.
  void note_empty_step(const StepTotals& totals);
  /// Of the measured matrix-multiply peak of all processes, where the objective knows its
  /// arithmetic.
  std::optional<double> share_of_peak(double tokens_per_second);
  /// Never ends the run, whatever the loss is: the guard or finish() handles a bad loss.
  void evaluate();
  std::optional<EvaluationScore> measure();
  void log_evaluation(const EvaluationScore& score);
  void show_evaluation(const EvaluationScore& score, bool better);
  void save(bool is_best = false);
  /// Saves the state of the last complete step if something else fails. `why` says what the run
  /// cannot continue without; "" if the error itself says it.
  void save_before_failing(const std::string& why);
  RunSnapshot snapshot(const NamedTensors& moments);
  double elapsed_seconds() const;

  Objective& objective_;
  TrainerSetup setup_;
  const TrainerConfig& config_;
  Communicator communicator_;
  std::unique_ptr<FileLock> lock_;  // rank 0's
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<WeightAverage> average_;  // training.ema_decay
  StepPrecision precision_;
  TrainingStep step_;
  std::optional<StepGraph> graph_;
  CheckpointStore checkpoints_;
  StepGuard guard_;
  RunLog log_;
  RunJournal journal_;
  ProgressLine progress_;
  StepProfiler profiler_;
  TrainingState state_;
  std::vector<SettingChange> changes_;  // since the checkpoint; rank 0's
  std::unique_ptr<BatchPrefetcher> prefetcher_;
  double matmul_peak_ = 0.0;
  double session_start_ = 0.0;          // clock at the start of this session, seconds
  double session_elapsed_ = 0.0;        // state_.elapsed_seconds at that time
  std::optional<double> session_end_;   // clock at which to save and stop
  bool save_wanted_ = false;            // somebody sent SIGUSR1
  std::optional<ControlFlags> agreed_;  // by all processes, with the sums of the last step
  int64_t last_saved_step_ = -1;
  int64_t last_evaluated_step_ = -1;
  int64_t not_finite_step_ = -1;  // whose evaluation was not finite
  int64_t num_empty_steps_ = 0;   // of this session, without anything to predict
  bool in_session_ = false;       // the journal has its start

  // Since the last log line.
  struct Interval {
    double start = 0.0;
    double loss_sum = 0.0;
    int64_t num_labels = 0;
    int64_t num_tokens = 0;
    int64_t num_steps = 0;
    double pause_seconds = 0.0;  // evaluations and checkpoints
    double waited_before = 0.0;
  };
  Interval interval_;
  RemainingTime remaining_;  // of the steps of this session

  CheckpointWriter writer_;  // last: while it is destroyed it may still write what is above
};

}  // namespace linformer
