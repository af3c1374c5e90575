#include "linformer/objectives/pretraining_run.h"

#include <algorithm>

#include "linformer/config/config_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/log.h"
#include "linformer/report/run_folder.h"
#include "linformer/report/run_page.h"

namespace linformer {

std::string shared_settings(PretrainConfig config) {
  config.run = {.dir = "", .seed = config.run.seed, .threads = 0, .init_from = ""};
  config.tokenizer = {};
  config.data.train.clear();
  config.data.valid.clear();
  config.data.prefetch_batches = 1;
  config.data.loader_threads = 1;
  return settings_text(fields_of(config));
}

namespace {

Settings settings_of(PretrainConfig config) {
  return compared_settings(RunKind::kPretraining, fields_of(config));
}

}  // namespace

TrainerSetup PretrainingRun::setup() {
  const PretrainConfig& config = task_.config();
  return {RunKind::kPretraining,   config.trainer(),
          settings_of(config),     dump_yaml(config),
          shared_settings(config), {config.data.prefetch_batches, config.data.loader_threads},
          ModelWeights::kRaw,      [this] { compare_last_evaluation(); }};
}

PretrainingRun::PretrainingRun(PretrainConfig config, std::shared_ptr<ProcessGroup> processes,
                               std::optional<Expectation> expected)
    : expected_(std::move(expected)),
      task_(std::move(config)),
      processes_(std::move(processes)),
      trainer_(task_, setup(), processes_) {
  compared_step_ = trainer_.state().step;
  if (expected_ && processes_->is_first()) check_expectation();
}

void PretrainingRun::check_expectation() {
  const std::string why = why_not_comparable(expected_->curve, settings_of(task_.config()),
                                             to_hex(trainer_.state().data_fingerprint),
                                             to_hex(trainer_.state().held_out_fingerprint));
  const std::string& path = expected_->curve.path;
  if (why.empty()) {
    log_info("compared with the expected curve in " + path);
  } else if (expected_->origin == Expectation::Origin::kNamed) {
    log_warning(path + " is of another run: " + why + "; it is compared all the same");
  } else {
    log_info("not compared with " + path + ": " + why);
    expected_.reset();
  }
}

std::vector<BandCheck> PretrainingRun::band_checks() const {
  if (!expected_) return {};
  return check_band(expected_->curve, read_run_log(task_.config().run.dir));
}

/// Says when the run leaves the band or comes back, and nothing as long as it stays where it is.
void PretrainingRun::compare_last_evaluation() {
  if (!expected_) return;
  const RunFolder run = read_run_log(task_.config().run.dir);
  const std::vector<BandCheck> checks = check_band(expected_->curve, run, compared_step_);
  compared_step_ = std::max(compared_step_, run.step);
  if (checks.empty()) return;
  bool outside = false;
  for (const BandCheck& check : checks) {
    if (check.place == BandCheck::Place::kInside) continue;
    outside = true;
    log_warning(check.text() + "; expected by " + expected_->curve.path);
  }
  if (outside_ && !outside) log_info("back inside the expected band");
  outside_ = outside;
}

StopReason PretrainingRun::run() {
  const int64_t before = trainer_.state().step;
  const StopReason reason = trainer_.run();
  const bool ended = reason != StopReason::kSignal && reason != StopReason::kSessionEnd;
  if (processes_->is_first() && ended && trainer_.state().step > before) {
    write_run_page(task_.config().run.dir,
                   expected_ ? std::optional(expected_->curve) : std::nullopt);
  }
  return reason;
}

}  // namespace linformer
