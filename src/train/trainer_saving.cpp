// When the trainer saves: regularly (train()), at the end, and if something fails.
#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/train/trainer.h"

namespace linformer {

void Trainer::save(bool is_best) {
  const double start = steady_seconds();
  save_wanted_ = false;
  if (config_.training.overfit_one_batch) return;
  if (last_saved_step_ != state_.step) {
    const NamedTensors moments = communicator_.whole_state(*optimizer_, Communicator::Fetch::kYes);
    state_.elapsed_seconds = elapsed_seconds();
    state_.log_bytes = log_.size();
    state_.guard = guard_.state();
    if (communicator_.is_first()) {
      writer_.save(snapshot(moments), is_best);
      if (in_session_) journal_.write("saved", {{"step", state_.step}, {"best", is_best}});
    }
    last_saved_step_ = state_.step;
  } else if (is_best && communicator_.is_first()) {
    writer_.wait();
    checkpoints_.mark_best(state_.step);
    if (in_session_) journal_.write("saved", {{"step", state_.step}, {"best", true}});
  }
  interval_.pause_seconds += steady_seconds() - start;
}

RunSnapshot Trainer::snapshot(const NamedTensors& moments) {
  if (!average_) return take_snapshot(objective_.model_files(), moments, state_);
  const bool swap = setup_.model_weights == ModelWeights::kAveraged;
  std::optional<WeightAverage::InPlace> averaged;
  if (swap) averaged.emplace(*average_);  // average_ holds the raw weights meanwhile
  return take_snapshot(objective_.model_files(), moments, state_,
                       {swap ? OtherWeights::kRaw : OtherWeights::kAveraged, average_->state()});
}

void Trainer::finish() {
  if (num_empty_steps_ > 1) {
    log_warning(format_count(num_empty_steps_) +
                " steps of this session had nothing to predict and changed no weights");
  }
  if (objective_.has_evaluation() && last_evaluated_step_ != state_.step) {
    const bool unsaved = last_saved_step_ != state_.step;
    const bool known = state_.evaluated_step == state_.step;
    // On the disk before the evaluation, which may fail in ways that nobody can catch.
    if (unsaved && is_sound() && !find_not_finite(named_parameters(objective_.parameters()))) {
      save();
      writer_.wait();
    }
    evaluate();
    // What the evaluation found belongs to the state, also if an earlier session saved the step and
    // was killed before its evaluation was.
    if (!known && is_sound()) last_saved_step_ = -1;
  }
  if (not_finite_step_ != state_.step) return;
  const bool saved = last_saved_step_ == state_.step;
  const bool older = !saved && checkpoints_.newest_whole().has_value();
  fail_run("evaluation at step " + std::to_string(state_.step),
           std::string("the held-out loss is not finite; ") +
               (saved   ? "the weights are saved as they are"
                : older ? "the last checkpoint is intact"
                        : "nothing of this run is saved"),
           (saved ? "to continue from an earlier checkpoint, remove " +
                        checkpoints_.folder_of(state_.step) + ", "
                  : std::string()) +
               what_to_change() + ", and " + (saved || older ? "resume" : "start anew"));
}

void Trainer::save_before_failing(const std::string& why) {
  // Of several processes the others may hold parts of it.
  if (!communicator_.is_first() || communicator_.shards_optimizer() ||
      config_.training.overfit_one_batch)
    return;
  try {
    save();
    writer_.wait();
  } catch (const Error& error) {
    log_error(std::string("not saved: ") + error.what());
    return;
  }
  log_warning((why.empty() ? why : why + "; ") + "step " + format_count(state_.step) + " is saved");
}

}  // namespace linformer
