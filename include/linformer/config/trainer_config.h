#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/config/batch_schedule.h"
#include "linformer/config/distributed_config.h"
#include "linformer/config/fields.h"
#include "linformer/config/kind_list.h"

namespace linformer {

enum class ScheduleType { kLinear, kCosine, kPolynomial, kConstant, kInverseSqrt };
/// kAuto is what programs replace before a run begins (objectives/resolve_precision.h). Where
/// nobody does, it computes in fp32.
enum class Precision { kFp32, kBf16, kFp16, kAuto };
enum class DeviceChoice { kAuto, kCpu, kCuda };
enum class ResumeMode { kAuto, kNever, kMust };
enum class StepGraphUse { kOff, kOn, kAuto };

template <>
struct EnumNames<ScheduleType> {
  static constexpr std::array<std::string_view, 5> kNames{"linear", "cosine", "polynomial",
                                                          "constant", "inverse_sqrt"};
};
template <>
struct EnumNames<Precision> {
  static constexpr std::array<std::string_view, 4> kNames{"fp32", "bf16", "fp16", "auto"};
};
template <>
struct EnumNames<StepGraphUse> {
  static constexpr std::array<std::string_view, 3> kNames{"false", "true", "auto"};
};
template <>
struct EnumNames<DeviceChoice> {
  static constexpr std::array<std::string_view, 3> kNames{"auto", "cpu", "cuda"};
};
template <>
struct EnumNames<ResumeMode> {
  static constexpr std::array<std::string_view, 3> kNames{"auto", "never", "must"};
};

/// The optimizers. A new optimizer is added here and nowhere else; its source file,
/// src/optim/NAME.cpp, defines make_NAME().
#define LINFORMER_OPTIMIZER_KINDS(KIND)        \
  KIND(Adamw, adamw, "decoupled weight decay") \
  KIND(Lamb, lamb, "for large batches, each tensor moves in proportion to its own norm")

LINFORMER_KIND_ENUM(OptimizerType, LINFORMER_OPTIMIZER_KINDS)

struct RunConfig {
  std::string dir;
  int64_t seed = 1;
  int64_t threads = 0;
  std::string init_from;
  DeviceChoice device = DeviceChoice::kAuto;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("dir", config.dir, "folder of the run: configuration, log, checkpoints");
    field("seed", config.seed, "seed of weights, data order, masks and dropout", at_least(0));
    field("threads", config.threads, "threads for computing; 0 = all cores",
          between(0, kLargestThreadCount));
    field("init_from", config.init_from,
          "model or run folder whose weights a new run starts with, e.g. what linformer-convert "
          "wrote; the section model has to describe it");
    field("device", config.device,
          "where to compute; auto: CUDA where there is a device, else CPU");
  }
  bool operator==(const RunConfig&) const = default;
};

struct ScheduleConfig {
  ScheduleType type = ScheduleType::kLinear;
  int64_t warmup_steps = 0;
  std::optional<double> warmup_share;
  double final_learning_rate = 0.0;
  double power = 1.0;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("type", config.type, "how the learning rate falls after warm-up");
    field("warmup_steps", config.warmup_steps, "steps of linear warm-up from 0",
          between(0, kLargestStep));
    field("warmup_share", config.warmup_share,
          "warm-up as a share of all steps, e.g. 0.06; instead of warmup_steps", share());
    field("final_learning_rate", config.final_learning_rate,
          "learning rate at the last step (linear, cosine, polynomial); 0 is reached one step "
          "after the last, since a step at rate 0 learns nothing",
          at_least(0.0));
    field("power", config.power, "exponent of the polynomial schedule", positive());
  }
  bool operator==(const ScheduleConfig&) const = default;
};

struct OptimizerConfig {
  OptimizerType type = OptimizerType::kAdamw;
  std::vector<double> betas{0.9, 0.98};
  double eps = 1e-6;
  double weight_decay = 0.01;
  std::optional<double> projection_weight_decay;
  double projection_learning_rate = 1.0;
  double max_grad_norm = 1.0;
  bool decay_biases_and_norms = false;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("type", config.type,
          "how gradients move the weights" LINFORMER_OPTIMIZER_KINDS(LINFORMER_KIND_HELP));
    field("betas", config.betas, "decay rates of the two moment estimates", share());
    field("eps", config.eps, "added to the root of the second moment", positive());
    field("weight_decay", config.weight_decay, "decoupled weight decay", at_least(0.0));
    field("projection_weight_decay", config.projection_weight_decay,
          "weight decay of E and F; null = weight_decay", at_least(0.0));
    field("projection_learning_rate", config.projection_learning_rate,
          "multiplies the learning rate of E and F", at_least(0.0));
    field("max_grad_norm", config.max_grad_norm,
          "gradients are scaled down to this norm; 0 = no clipping", at_least(0.0));
    field("decay_biases_and_norms", config.decay_biases_and_norms,
          "true decays biases and norms as well");
  }
  bool operator==(const OptimizerConfig&) const = default;
};

/// Settings of fp16: losses are scaled up so that small gradients do not vanish.
struct LossScaleConfig {
  double initial = 65536.0;
  double growth_factor = 2.0;
  int64_t growth_interval = 2000;
  double backoff_factor = 0.5;
  double minimum = 1.0;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("initial", config.initial, "scale at the start of the run", positive());
    field("growth_factor", config.growth_factor, "multiplies the scale after growth_interval",
          at_least(1.0));
    field("growth_interval", config.growth_interval,
          "steps without an overflow after which the scale grows", between(1, kLargestStep));
    field("backoff_factor", config.backoff_factor,
          "multiplies the scale after an overflow; the step's update is left out",
          positive().below(1.0));
    field("minimum", config.minimum,
          "lowest scale; an overflow at it counts as a gradient that is not finite", positive());
  }
  bool operator==(const LossScaleConfig&) const = default;
};

/// What happens to a step whose loss or gradient is not finite or is a spike.
struct GuardConfig {
  int64_t max_skipped_steps = 8;
  int64_t max_rollbacks = 3;
  int64_t skip_before = 4;
  double spike_zscore = 0.0;
  int64_t spike_window = 128;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("max_skipped_steps", config.max_skipped_steps,
          "number of bad steps in a row (loss or gradient not finite, or a spike) that are skipped "
          "without changing the weights; the next one rolls the run back to its last checkpoint",
          between(0, kLargestStep));
    field("max_rollbacks", config.max_rollbacks,
          "rollbacks before the run ends with an error; 0 = it ends instead of rolling back",
          between(0, kLargestStep));
    field("skip_before", config.skip_before,
          "after a rollback the bad steps are passed over, and this many steps before them",
          between(0, kLargestStep));
    field("spike_zscore", config.spike_zscore,
          "a loss or gradient norm this many standard deviations above the mean of the last "
          "spike_window steps is a spike, and its step is skipped; 0 = never",
          at_least(0.0));
    field("spike_window", config.spike_window, "steps that spike_zscore compares with",
          between(8, 100000));
  }
  bool operator==(const GuardConfig&) const = default;
};

/// How the batch grows at the start of a run; BatchSchedule has the formula.
struct BatchRampConfig {
  int64_t start = 0;
  int64_t steps = 0;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("start", config.start,
          "sequences of the first step; each step takes a multiple of it; divides "
          "global_batch_size; 0 = no ramp",
          between(0, kMostSequences));
    field("steps", config.steps, "steps until the batch has global_batch_size sequences",
          between(0, BatchSchedule::kMaxRampSteps));
  }
  bool operator==(const BatchRampConfig&) const = default;
};

/// Length, batches, learning rate and optimizer of a run. The run ends at the first of max_steps,
/// max_tokens and max_hours; at least one is set.
struct TrainingConfig {
  std::optional<int64_t> max_steps;
  std::optional<int64_t> max_tokens;
  std::optional<double> max_hours;
  std::optional<double> session_hours;
  int64_t global_batch_size = 256;
  BatchRampConfig batch_ramp;
  int64_t micro_batch_size = 8;
  double learning_rate = 5e-4;
  ScheduleConfig schedule;
  OptimizerConfig optimizer;
  GuardConfig guard;
  Precision precision = Precision::kAuto;
  LossScaleConfig loss_scale;
  bool activation_checkpointing = false;
  StepGraphUse step_graph = StepGraphUse::kAuto;
  std::optional<double> ema_decay;
  bool overfit_one_batch = false;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("max_steps", config.max_steps, "optimizer steps", between(1, kLargestStep));
    field("max_tokens", config.max_tokens, "tokens read, padding included",
          between(1, int64_t{1} << 60));
    field("max_hours", config.max_hours, "hours of training, all sessions together", positive());
    field("session_hours", config.session_hours,
          "hours until this process is ended from outside, e.g. by a scheduler; it saves and stops "
          "checkpoint.save_before_seconds earlier, and the same command resumes the run",
          positive());
    field("global_batch_size", config.global_batch_size, "sequences per optimizer step",
          between(1, kMostSequences));
    field("batch_ramp", config.batch_ramp, "smaller batches at the start of the run");
    field("micro_batch_size", config.micro_batch_size,
          "sequences per forward and backward pass; divides global_batch_size",
          between(1, kMostSequences));
    field("learning_rate", config.learning_rate, "peak learning rate, after warm-up", positive());
    field("schedule", config.schedule, "the learning rate over the steps");
    field("optimizer", config.optimizer, "the optimizer");
    field("guard", config.guard, "steps whose loss or gradient is not finite or a spike");
    field("precision", config.precision,
          "number format of matrix products: fp32, bf16, fp16, or auto for bf16 where the device "
          "multiplies it faster and fp32 elsewhere; weights, sums, norms and gradients of weights "
          "stay fp32; a resumed run with auto keeps what it began with");
    field("loss_scale", config.loss_scale, "the loss scale of fp16");
    field("activation_checkpointing", config.activation_checkpointing,
          "true keeps one tensor per layer and computes the rest again in the backward pass: less "
          "memory, more time, the same numbers");
    field(
        "step_graph", config.step_graph,
        "true records forward and backward pass of a micro-batch once and repeats them as one CUDA "
        "graph: less time of the CPU for each operation, more memory, the same numbers up to "
        "rounding; for pre-training by one process in fp32 or bf16; auto: on CUDA where that is "
        "possible");
    field("ema_decay", config.ema_decay,
          "decay of an exponential moving average of the weights, e.g. 0.999, which evaluations "
          "use; null = none",
          positive().below(1.0));
    field("overfit_one_batch", config.overfit_one_batch,
          "true trains on the first batch only, again and again, as a check of the model: no "
          "dropout, no evaluation, no checkpoint");
  }

  /// Sequences of each step.
  BatchSchedule batch_schedule() const;
  /// Checks that the batch sizes and the ramp are in their ranges and fit each other; throws
  /// UsageError.
  void validate_batches() const;

  bool operator==(const TrainingConfig&) const = default;
};

/// When a run is measured on held-out data, and when it stops early.
struct EvaluationConfig {
  int64_t every = 500;
  int64_t micro_batch_size = 0;
  int64_t max_sequences = 0;
  int64_t early_stop_patience = 0;
  double early_stop_min_delta = 0.0;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("every", config.every, "steps between evaluations on held-out data; 0 = at the end only",
          between(0, kLargestStep));
    field("micro_batch_size", config.micro_batch_size,
          "sequences per forward pass; 0 = training.micro_batch_size", between(0, kMostSequences));
    field("max_sequences", config.max_sequences, "sequences evaluated; 0 = all", at_least(0));
    field("early_stop_patience", config.early_stop_patience,
          "stop after this many evaluations without a better one; 0 = never",
          between(0, kLargestStep));
    field("early_stop_min_delta", config.early_stop_min_delta,
          "least improvement that counts, in nats of held-out loss or points of a task's metric",
          at_least(0.0));
  }
  bool operator==(const EvaluationConfig&) const = default;
};

struct CheckpointConfig {
  int64_t every = 1000;
  int64_t keep_last = 2;
  int64_t keep_every = 0;
  bool keep_best = true;
  bool background = true;
  int64_t save_before_seconds = 120;
  ResumeMode resume = ResumeMode::kAuto;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("every", config.every, "steps between checkpoints; 0 = at the end only",
          between(0, kLargestStep));
    field("keep_last", config.keep_last, "newest checkpoints kept", between(1, kLargestStep));
    field("keep_every", config.keep_every,
          "keep checkpoints whose step is a multiple of this for good; 0 = none",
          between(0, kLargestStep));
    field("keep_best", config.keep_best, "keep the checkpoint of the best evaluation");
    field("background", config.background,
          "write checkpoints while training continues; takes memory for a copy of weights and "
          "optimizer");
    field("save_before_seconds", config.save_before_seconds,
          "save and stop this long before training.session_hours, or before the end of the job "
          "that a scheduler names (SLURM_JOB_END_TIME)",
          between(0, 86400));
    field("resume", config.resume,
          "auto: from the latest valid checkpoint, if any; never: refuse a run folder that has "
          "one; must: refuse one that has none");
  }
  bool operator==(const CheckpointConfig&) const = default;
};

/// Which steps LibTorch's profiler records.
struct ProfileConfig {
  int64_t first_step = 0;
  int64_t steps = 3;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("first_step", config.first_step, "first step that is recorded, from 1; 0 = none",
          between(0, kLargestStep));
    field("steps", config.steps, "steps that are recorded", between(1, 1000));
  }
  bool operator==(const ProfileConfig&) const = default;
};

struct LoggingConfig {
  int64_t every = 10;
  bool tensorboard = true;
  int64_t statistics_every = 0;
  ProfileConfig profile;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("every", config.every, "steps between lines of log.jsonl", between(1, kLargestStep));
    field("tensorboard", config.tensorboard,
          "true writes what log.jsonl holds to an event file for TensorBoard as well");
    field("statistics_every", config.statistics_every,
          "steps between norms of weights, gradients and updates of each part of the model and the "
          "mean, deviation and maximum of each layer's output; 0 = none",
          between(0, kLargestStep));
    field("profile", config.profile,
          "operations of a few steps as a Chrome trace in the run folder");
  }
  bool operator==(const LoggingConfig&) const = default;
};

/// What the trainer has to know of any run, be it pre-training or fine-tuning.
struct TrainerConfig {
  RunConfig run;
  TrainingConfig training;  ///< max_steps resolved: what ends the run besides max_hours
  EvaluationConfig evaluation;
  CheckpointConfig checkpoint;
  LoggingConfig logging;
  DistributedConfig distributed;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("run", config.run, "the run");
    field("training", config.training, "length, batches, learning rate, optimizer");
    field("evaluation", config.evaluation, "measurements on held-out data");
    field("checkpoint", config.checkpoint, "saving and resuming");
    field("logging", config.logging, "log lines");
    field("distributed", config.distributed, "several processes");
  }

  /// warmup_steps, or warmup_share of max_steps rounded to the nearest step.
  int64_t resolved_warmup_steps() const;
  /// Sequences per forward pass of an evaluation.
  int64_t evaluation_batch_size() const;

  /// Ranges of the fields and rules between them; throws UsageError that names the key.
  void validate() const;
};

}  // namespace linformer
