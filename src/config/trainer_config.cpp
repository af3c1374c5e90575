#include "linformer/config/trainer_config.h"

#include <cmath>

#include "rules.h"

#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

constexpr int64_t kManySteps = int64_t{1} << 50;
constexpr int64_t kManySequences = int64_t{1} << 24;
constexpr int64_t kManyThreads = 1024;

void validate_optimizer(const OptimizerConfig& optimizer) {
  if (optimizer.betas.size() != 2) {
    fail_usage("training.optimizer.betas",
               "holds " + std::to_string(optimizer.betas.size()) + " numbers, not 2",
               "give two, e.g. [0.9, 0.98]");
  }
  for (const double beta : optimizer.betas) require_share("training.optimizer.betas", beta);
  require_positive("training.optimizer.eps", optimizer.eps);
  require_not_negative("training.optimizer.weight_decay", optimizer.weight_decay);
  if (optimizer.projection_weight_decay) {
    require_not_negative("training.optimizer.projection_weight_decay",
                         *optimizer.projection_weight_decay);
  }
  require_not_negative("training.optimizer.projection_learning_rate",
                       optimizer.projection_learning_rate);
  require_not_negative("training.optimizer.max_grad_norm", optimizer.max_grad_norm);
}

void validate_loss_scale(const LossScaleConfig& scale) {
  require_positive("training.loss_scale.minimum", scale.minimum);
  require_range("training.loss_scale.growth_interval", scale.growth_interval, 1, kManySteps);
  const auto refuse = [](const std::string& key, const std::string& what, const std::string& fix) {
    fail_usage("training.loss_scale." + key, what, fix);
  };
  if (scale.initial < scale.minimum) refuse("initial", "below minimum", "use e.g. 65536");
  if (scale.growth_factor < 1.0) refuse("growth_factor", "would lower the scale", "use e.g. 2");
  if (!(scale.backoff_factor > 0.0 && scale.backoff_factor < 1.0)) {
    refuse("backoff_factor", "does not lower the scale", "use e.g. 0.5");
  }
}

/// Whether the schedule falls towards a last step, which then has to be known.
bool needs_length(ScheduleType type) {
  return type != ScheduleType::kConstant && type != ScheduleType::kInverseSqrt;
}

void validate_schedule(const TrainingConfig& training) {
  const ScheduleConfig& schedule = training.schedule;
  const std::optional<int64_t> steps = training.max_steps;
  require_range("training.schedule.warmup_steps", schedule.warmup_steps, 0, kManySteps);
  if (schedule.warmup_share) {
    require_share("training.schedule.warmup_share", *schedule.warmup_share);
    if (schedule.warmup_steps > 0) {
      fail_usage("training.schedule.warmup_share", "warmup_steps is given as well",
                 "keep one of the two");
    }
  }
  if (!steps && (needs_length(schedule.type) || schedule.warmup_share)) {
    fail_usage("training.schedule", "max_hours alone does not say at which step the schedule ends",
               "set training.max_steps or max_tokens as well (the first limit ends the run), or "
               "use schedule type constant or inverse_sqrt with warmup_steps");
  }
  if (steps && schedule.warmup_steps > *steps) {
    fail_usage("training.schedule.warmup_steps",
               std::to_string(schedule.warmup_steps) + " steps of warm-up exceed the run's " +
                   std::to_string(*steps) + " steps",
               "use fewer, e.g. 6 % = " + std::to_string(*steps * 6 / 100));
  }
  require_not_negative("training.schedule.final_learning_rate", schedule.final_learning_rate);
  if (schedule.final_learning_rate > training.learning_rate) {
    fail_usage("training.schedule.final_learning_rate", "exceeds training.learning_rate",
               "schedules fall: give a lower one, e.g. 0");
  }
  require_positive("training.schedule.power", schedule.power);
}

void validate_guard(const GuardConfig& guard) {
  require_range("training.guard.max_skipped_steps", guard.max_skipped_steps, 0, kManySteps);
  require_range("training.guard.max_rollbacks", guard.max_rollbacks, 0, kManySteps);
  require_range("training.guard.skip_before", guard.skip_before, 0, kManySteps);
  require_not_negative("training.guard.spike_zscore", guard.spike_zscore);
  require_range("training.guard.spike_window", guard.spike_window, 8, 100000);
}

void validate_batch_ramp(const TrainingConfig& training) {
  const BatchRampConfig& ramp = training.batch_ramp;
  if (ramp.start == 0) {
    if (ramp.steps != 0) {
      fail_usage("training.batch_ramp.steps", "is set, but batch_ramp.start is not",
                 "set the sequences of the first step, or leave both out");
    }
    return;
  }
  require_range("training.batch_ramp.start", ramp.start, 1, training.global_batch_size);
  require_range("training.batch_ramp.steps", ramp.steps, 1, BatchSchedule::kMaxRampSteps);
  if (training.global_batch_size % ramp.start != 0) {
    fail_usage("training.batch_ramp.start",
               std::to_string(ramp.start) + " does not divide global_batch_size " +
                   std::to_string(training.global_batch_size),
               "choose a divisor; steps take multiples of it");
  }
  if (ramp.start % training.micro_batch_size != 0) {
    fail_usage("training.batch_ramp.start",
               std::to_string(ramp.start) + " is not a multiple of micro_batch_size " +
                   std::to_string(training.micro_batch_size),
               "choose a multiple, or smaller micro-batches");
  }
}

void validate_training(const TrainingConfig& training) {
  if (training.max_steps) require_range("training.max_steps", *training.max_steps, 1, kManySteps);
  if (training.max_hours) require_positive("training.max_hours", *training.max_hours);
  if (training.session_hours) {
    require_positive("training.session_hours", *training.session_hours);
  }
  training.validate_batches();
  require_positive("training.learning_rate", training.learning_rate);
  if (training.ema_decay) {
    require_positive("training.ema_decay", *training.ema_decay);
    if (*training.ema_decay >= 1.0) {
      fail_usage("training.ema_decay", "has to be below 1", "usual values are 0.999 to 0.9999");
    }
  }
  validate_optimizer(training.optimizer);
  validate_loss_scale(training.loss_scale);
  validate_guard(training.guard);
  validate_schedule(training);
}

void validate_evaluation(const EvaluationConfig& evaluation) {
  require_range("evaluation.every", evaluation.every, 0, kManySteps);
  require_range("evaluation.micro_batch_size", evaluation.micro_batch_size, 0, kManySequences);
  require_range("evaluation.max_sequences", evaluation.max_sequences, 0, INT64_MAX);
  require_range("evaluation.early_stop_patience", evaluation.early_stop_patience, 0, kManySteps);
  require_not_negative("evaluation.early_stop_min_delta", evaluation.early_stop_min_delta);
  if (evaluation.early_stop_patience > 0 && evaluation.every == 0) {
    fail_usage("evaluation.early_stop_patience", "early stop needs regular evaluations",
               "set evaluation.every, or set it to 0");
  }
}

/// Refuses a session that would end before its first step, since it would be restarted for ever.
void validate_session(const TrainerConfig& config) {
  if (!config.training.session_hours) return;
  const double seconds = *config.training.session_hours * kSecondsPerHour;
  const int64_t before = config.checkpoint.save_before_seconds;
  if (seconds > static_cast<double>(before)) return;
  fail_usage("training.session_hours",
             format_fixed(seconds, 0) + " seconds, and checkpoint.save_before_seconds takes " +
                 std::to_string(before) + ": each session would end before its first step",
             "make sessions longer, or lower checkpoint.save_before_seconds");
}

}  // namespace

void TrainingConfig::validate_batches() const {
  require_range("training.global_batch_size", global_batch_size, 1, kManySequences);
  require_range("training.micro_batch_size", micro_batch_size, 1, kManySequences);
  if (global_batch_size % micro_batch_size != 0) {
    fail_usage("training.micro_batch_size",
               std::to_string(micro_batch_size) + " does not divide global_batch_size " +
                   std::to_string(global_batch_size),
               "make global_batch_size a multiple of it, e.g. " +
                   std::to_string(micro_batch_size * (global_batch_size / micro_batch_size + 1)));
  }
  validate_batch_ramp(*this);
}

BatchSchedule TrainingConfig::batch_schedule() const {
  const BatchRampConfig& ramp = batch_ramp;
  if (ramp.start == 0) return BatchSchedule(global_batch_size);
  return {global_batch_size, ramp.start, ramp.steps};
}

int64_t TrainerConfig::resolved_warmup_steps() const {
  const std::optional<int64_t> steps = training.max_steps;
  if (!training.schedule.warmup_share || !steps) return training.schedule.warmup_steps;
  return std::llround(*training.schedule.warmup_share * static_cast<double>(*steps));
}

int64_t TrainerConfig::evaluation_batch_size() const {
  return evaluation.micro_batch_size > 0 ? evaluation.micro_batch_size : training.micro_batch_size;
}

void TrainerConfig::validate() const {
  require_text("run.dir", run.dir, "runs/my-run");
  require_range("run.seed", run.seed, 0, INT64_MAX);
  require_range("run.threads", run.threads, 0, kManyThreads);
  validate_training(training);
  validate_evaluation(evaluation);
  require_range("checkpoint.every", checkpoint.every, 0, kManySteps);
  require_range("checkpoint.keep_last", checkpoint.keep_last, 1, kManySteps);
  require_range("checkpoint.keep_every", checkpoint.keep_every, 0, kManySteps);
  require_range("checkpoint.save_before_seconds", checkpoint.save_before_seconds, 0, 86400);
  require_range("logging.every", logging.every, 1, kManySteps);
  require_range("logging.statistics_every", logging.statistics_every, 0, kManySteps);
  require_range("logging.profile.first_step", logging.profile.first_step, 0, kManySteps);
  require_range("logging.profile.steps", logging.profile.steps, 1, 1000);
  validate_session(*this);
  distributed.validate();
}

}  // namespace linformer
