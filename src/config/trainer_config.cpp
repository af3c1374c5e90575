#include "linformer/config/trainer_config.h"

#include <cmath>

#include "rules.h"

#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

void validate_optimizer(const OptimizerConfig& optimizer) {
  if (optimizer.betas.size() != 2) {
    fail_usage("training.optimizer.betas",
               "holds " + std::to_string(optimizer.betas.size()) + " numbers, not 2",
               "give two, e.g. [0.9, 0.98]");
  }
}

void validate_loss_scale(const LossScaleConfig& scale) {
  if (scale.initial >= scale.minimum) return;
  fail_usage("training.loss_scale.initial", "below minimum", "use e.g. 65536");
}

/// Whether the schedule falls towards a last step, which then has to be known.
bool needs_length(ScheduleType type) {
  return type != ScheduleType::kConstant && type != ScheduleType::kInverseSqrt;
}

void validate_schedule(const TrainingConfig& training) {
  const ScheduleConfig& schedule = training.schedule;
  const std::optional<int64_t> steps = training.max_steps;
  if (schedule.warmup_share && schedule.warmup_steps > 0) {
    fail_usage("training.schedule.warmup_share", "warmup_steps is given as well",
               "keep one of the two");
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
  if (schedule.final_learning_rate > training.learning_rate) {
    fail_usage("training.schedule.final_learning_rate", "exceeds training.learning_rate",
               "schedules fall: give a lower one, e.g. 0");
  }
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
  require_in(between(1, training.global_batch_size), "training.batch_ramp.start", ramp.start);
  if (ramp.steps == 0) {
    fail_usage("training.batch_ramp.steps", "is 0, but batch_ramp.start is set",
               "give the steps of the ramp, or leave both out");
  }
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

void validate_evaluation(const EvaluationConfig& evaluation) {
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
  require_ranges(*this, "");
  require_text("run.dir", run.dir, "runs/my-run");
  training.validate_batches();
  validate_optimizer(training.optimizer);
  validate_loss_scale(training.loss_scale);
  validate_schedule(training);
  validate_evaluation(evaluation);
  validate_session(*this);
}

}  // namespace linformer
