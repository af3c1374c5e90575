// How the trainer treats settings that differ from those of its checkpoint; the rules are in
// config/resume_rules.h.
#include <algorithm>

#include "linformer/config/setting_names.h"
#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/train/trainer.h"

namespace linformer {
namespace {

bool has_rule(const std::vector<SettingChange>& changes, ResumeRule rule) {
  return std::any_of(changes.begin(), changes.end(),
                     [&](const SettingChange& change) { return change.rule == rule; });
}

/// "lamb, but the checkpoint was made with adamw (reason)"
std::string describe(const SettingChange& change) {
  return change.now + ", but the checkpoint was made with " + change.before + " (" +
         std::string(change.why) + ")";
}

}  // namespace

void Trainer::check_resumable(const TrainingState& saved, const std::string& folder) const {
  std::vector<SettingChange> refused =
      changed_settings(setup_.kind, saved.settings, setup_.settings);
  std::erase_if(refused, [](const auto& change) { return change.rule != ResumeRule::kRefuse; });
  if (saved.settings.empty() && saved.seed != state_.seed) {
    refused.push_back({"run.seed", std::to_string(saved.seed), std::to_string(state_.seed),
                       ResumeRule::kRefuse, resume_group(setup_.kind, "run.seed").why});
  }
  if (!refused.empty()) {
    std::string what = describe(refused.front());
    for (size_t i = 1; i < refused.size(); ++i) {
      what += "; " + refused[i].key + ": " + describe(refused[i]);
    }
    fail_usage(setting_name(refused.front().key), what + "; the checkpoint is " + folder,
               std::string("restore ") + (refused.size() > 1 ? "them" : "it") +
                   ", or choose another " + setting_name("run.dir"));
  }
  if (saved.data_fingerprint != state_.data_fingerprint) {
    fail_usage(setup_.kind == RunKind::kPretraining ? "data.train" : "task.train",
               "other data than in the checkpoint " + folder,
               "restore them (also what decides how they are read), or choose another " +
                   setting_name("run.dir"));
  }
}

void Trainer::take_state(const TrainingState& saved) {
  const uint64_t held_out = state_.held_out_fingerprint;
  state_ = saved;
  state_.held_out_fingerprint = held_out;
  last_saved_step_ = state_.step;
  changes_ = changed_settings(setup_.kind, saved.settings, setup_.settings);
  if (saved.settings.empty()) return;
  const bool other_set = saved.held_out_fingerprint != held_out;
  if (!other_set && !has_rule(changes_, ResumeRule::kHeldOut)) return;
  for (const SettingChange& change : changes_) {
    if (change.rule == ResumeRule::kHeldOut) state_.settings[change.key] = change.now;
  }
  last_saved_step_ = -1;  // a finished run keeps what it is measured on now
  state_.evaluated_step = -1;
  if (!saved.best_score) return;
  log_warning(std::string(other_set ? "other held-out data" : "held-out data measured otherwise") +
              " than in the checkpoint: the best score (" + format_number(*saved.best_score) +
              " at step " + format_count(saved.best_step) +
              ") does not compare, and the next evaluation is the best so far");
  state_.best_score.reset();
  state_.best_step = 0;
  state_.evaluations_since_best = 0;
}

bool Trainer::is_over() const {
  const TrainingConfig& training = config_.training;
  if (training.max_steps && state_.step >= *training.max_steps) return true;
  const int64_t patience = config_.evaluation.early_stop_patience;
  if (patience > 0 && state_.evaluations_since_best >= patience) return true;
  return training.max_hours && state_.elapsed_seconds >= *training.max_hours * kSecondsPerHour;
}

void Trainer::check_session_length() const {
  // The end of a job may just be near.
  if (!config_.training.session_hours) return;
  fail_run("training.session_hours",
           "the session was over before its first step, and so would be the next one",
           "make sessions longer, or lower checkpoint.save_before_seconds");
}

void Trainer::compare_settings(const std::string& folder) {
  if (state_.settings.empty()) {
    log_warning(folder +
                " was written by an earlier version, which kept no settings: what has changed "
                "since then is not noticed");
    return;
  }
  const std::string step = format_count(state_.step);
  const bool over = is_over();
  for (const SettingChange& change : changes_) {
    if (over && change.rule != ResumeRule::kHeldOut) {
      log_warning(change.key + ": " + change.now +
                  " changes nothing: the run was finished at step " + step + ", with " +
                  change.before);
    } else {
      log_warning(change.key + ": " + change.before + " until step " + step + ", now " +
                  change.now + ": " + std::string(change.why));
    }
  }
  if (over || state_.step == 0 || !has_rule(changes_, ResumeRule::kWarnRate)) return;
  log_warning("the learning rate goes from " + format_number(state_.learning_rate, 2) +
              " in step " + step + " to " + format_number(next_learning_rate(), 2) + " in step " +
              format_count(state_.step + 1) + " (docs/resuming.md)");
}

}  // namespace linformer
