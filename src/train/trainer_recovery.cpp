// What the trainer does about steps that the guard refuses.
#include "linformer/config/setting_names.h"
#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/train/trainer.h"

namespace linformer {
namespace {

/// "12, 7, 90 of epoch 0; 3 of epoch 1"
std::string list_samples(const std::vector<SampleId>& samples) {
  std::string text;
  for (size_t i = 0; i < samples.size(); ++i) {
    text += std::to_string(samples[i].index);
    if (samples[i].corpus > 0) text += " (corpus " + std::to_string(samples[i].corpus) + ")";
    const bool last = i + 1 == samples.size();
    if (last || samples[i + 1].epoch != samples[i].epoch) {
      text += " of epoch " + std::to_string(samples[i].epoch) + (last ? "" : "; ");
    } else {
      text += ", ";
    }
  }
  return text;
}

}  // namespace

void Trainer::handle_problem(const StepTotals& totals) {
  const bool bearable = guard_.skip();
  // Lists every sequence of the step: if only the gradient is bad, no single one can be blamed.
  std::vector<SampleId> samples = totals.not_finite;
  if (samples.empty()) {
    const int64_t first =
        state_.position - config_.training.batch_schedule().sequences(state_.step - 1);
    for (int64_t position = first; position < state_.position; ++position) {
      samples.push_back(objective_.sample(position));
    }
  }
  if (communicator_.is_first()) report_skip(totals, list_samples(samples));
  if (!bearable) roll_back(totals);
}

void Trainer::report_skip(const StepTotals& totals, const std::string& names) {
  log_.write({{"event", "skipped"},
              {"step", state_.step},
              {"reason", *totals.problem},
              {"loss", totals.mean_loss()},
              {"grad_norm", totals.gradient_norm},
              {"sequences", names}});
  progress_.clear();
  log_warning("step " + format_count(state_.step) + " skipped: " + *totals.problem +
              "; sequences " + names);
}

void Trainer::roll_back(const StepTotals& totals) {
  const int64_t bad_step = state_.step;
  const int64_t num_bad = guard_.state().consecutive_skips;
  const GuardState before = guard_.state();
  if (before.num_rollbacks >= config_.training.guard.max_rollbacks) {
    give_up(totals, std::to_string(before.num_rollbacks) + " rollbacks did not help");
  }
  const NamedTensors moments = communicator_.whole_state(*optimizer_, Communicator::Fetch::kNo);
  const double elapsed = elapsed_seconds();
  bool found = false;
  if (communicator_.is_first()) {
    writer_.wait();
    const std::optional<Checkpoint> target = rollback_target(bad_step - num_bad);
    if (target) load_checkpoint(target->folder, moments);
    state_.settings = setup_.settings;
    found = target.has_value();
  }
  if (communicator_.maximum({found ? 1 : 0}).front() == 0) {
    give_up(totals, "there is no checkpoint to go back to");
  }
  communicator_.share_start(objective_.parameters(), moments, *optimizer_, state_);
  if (average_) communicator_.share(average_->state());
  session_start_ = steady_seconds();
  session_elapsed_ = elapsed;
  guard_.state() = state_.guard;
  precision_.set_state(state_.loss_scale);
  guard_.state().num_skips = before.num_skips;
  guard_.state().passed_over = before.passed_over;
  guard_.blame(bad_step, num_bad, before.num_rollbacks, state_.step);
  if (communicator_.is_first()) report_rollback(bad_step);
  // The decision is on the disk before anything follows from it.
  last_saved_step_ = -1;
  last_evaluated_step_ = -1;
  not_finite_step_ = -1;
  save();
  if (communicator_.is_first()) {
    writer_.wait();
    checkpoints_.discard_after(state_.step);
  }
  start_prefetcher();
}

std::optional<Checkpoint> Trainer::rollback_target(int64_t last_good_step) const {
  const std::optional<Checkpoint> newest = checkpoints_.newest_whole(last_good_step);
  const GuardState& guard = guard_.state();
  if (!newest || guard.num_rollbacks == 0 || newest->step != guard.rollback_step) return newest;
  // The rollback to this checkpoint did not help, so the one before it is used, if there is one.
  const std::optional<Checkpoint> older = checkpoints_.newest_whole(newest->step - 1);
  return older ? older : newest;
}

void Trainer::report_rollback(int64_t bad_step) {
  const StepRange blamed = guard_.state().passed_over.back();
  log_.go_back(state_.step);
  log_.write({{"event", "rolled_back"},
              {"step", state_.step},
              {"from_step", bad_step},
              {"pass_over_first", blamed.first},
              {"pass_over_last", blamed.last}});
  log_warning("rolled back from step " + format_count(bad_step) + " to " +
              format_count(state_.step) + "; steps " + format_count(blamed.first) + " to " +
              format_count(blamed.last) + " will be passed over");
}

void Trainer::give_up(const StepTotals& totals, const std::string& why) const {
  const std::string step = std::to_string(state_.step);
  const std::string where =
      totals.not_finite.empty()
          ? ""
          : " in the micro-batches with the sequences " + list_samples(totals.not_finite);
  const bool saved = checkpoints_.newest_whole().has_value();
  fail_run("step " + step,
           *totals.problem + where + ", the last of " +
               std::to_string(guard_.state().consecutive_skips) + " such steps in a row, and " +
               why + (saved ? "; the last checkpoint is intact" : "; nothing of this run is saved"),
           (state_.num_updates > 0 ? "look at the text with linformer-data why --config " +
                                         config_.run.dir + "/config.yaml --step " + step + "; "
                                   : std::string()) +
               what_to_change() + ", and " + (saved ? "resume" : "start anew"));
}

std::string Trainer::what_to_change() const {
  if (state_.num_updates > 0) return "lower training.learning_rate or lengthen the warm-up";
  const std::string still = "no step has changed the weights yet, ";
  return config_.run.init_from.empty()
             ? still + "so they were too large from the start: lower model.initializer_range"
             : still + "so the fault is in the model that they come from: take another one than " +
                   config_.run.init_from + " as " + setting_name("run.init_from");
}

}  // namespace linformer
