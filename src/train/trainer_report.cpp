// What the trainer measures and tells: log lines, progress, held-out perplexity.
#include <cmath>

#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/kernels/matmul_peak.h"
#include "linformer/train/trainer.h"

namespace linformer {

void Trainer::log_step(const StepTotals& totals) {
  interval_.loss_sum += totals.loss_sum;
  interval_.num_labels += totals.num_labels;
  interval_.num_tokens += totals.num_tokens;
  ++interval_.num_steps;
  // The first step of an interval marks as well, so that a session has a mark after its first step.
  if (interval_.num_steps == 1) remaining_.mark(state_.step, steady_seconds());
  const bool first = interval_.num_steps == 1 && last_evaluated_step_ < 0 && state_.step == 1;
  if (state_.step % config_.logging.every != 0 && !first) return;
  if (!communicator_.is_first()) return;
  const double seconds =
      std::max(1e-9, steady_seconds() - interval_.start - interval_.pause_seconds);
  const double tokens_per_second = static_cast<double>(interval_.num_tokens) / seconds;
  const double mean_loss = interval_.num_labels > 0
                               ? interval_.loss_sum / static_cast<double>(interval_.num_labels)
                               : std::nan("");  // null in the log
  const std::optional<double> perplexity = objective_.perplexity(mean_loss);
  const std::optional<double> mfu = share_of_peak(tokens_per_second);
  const double waited = prefetcher_->waited_seconds();
  LogRecord record{{"step", state_.step},
                   {"tokens", state_.num_tokens},
                   {"epoch", static_cast<double>(state_.position) /
                                 static_cast<double>(objective_.num_sequences())},
                   {"loss", mean_loss}};
  if (perplexity) record.emplace_back("perplexity", *perplexity);
  const LogRecord rest{{"learning_rate", totals.learning_rate},
                       {"grad_norm", totals.gradient_norm},
                       {"tokens_per_second", tokens_per_second}};
  record.insert(record.end(), rest.begin(), rest.end());
  if (mfu) record.emplace_back("mfu", *mfu);
  record.emplace_back("loader_wait_seconds", waited - interval_.waited_before);
  record.emplace_back("elapsed_seconds", elapsed_seconds());
  for (const auto& entry : precision_.log_record()) record.push_back(entry);
  log_.write(record);
  if (in_session_) journal_.write_warnings(state_.step);
  TrainingProgress progress;
  progress.step = state_.step;
  progress.total_steps = config_.training.max_steps;
  progress.loss = mean_loss;
  progress.perplexity = perplexity;
  progress.learning_rate = totals.learning_rate;
  progress.tokens_per_second = tokens_per_second;
  progress.mfu = mfu;
  remaining_.mark(state_.step, steady_seconds());
  if (progress.total_steps) progress.eta_seconds = remaining_.seconds_to(*progress.total_steps);
  if (config_.training.max_hours) {
    const double left = *config_.training.max_hours * kSecondsPerHour - elapsed_seconds();
    progress.eta_seconds = std::max(0.0, std::min(progress.eta_seconds.value_or(left), left));
  }
  progress_.update(format_progress(progress));
  interval_ = {.start = steady_seconds(), .waited_before = waited};
}

std::optional<double> Trainer::share_of_peak(double tokens_per_second) {
  const std::optional<double> flop = objective_.model_flops_per_token(state_.step - 1);
  if (!flop) return std::nullopt;
  const double flop_per_second = tokens_per_second * *flop;
  // Above the peak: something else was computing while the peak was measured.
  if (flop_per_second > matmul_peak_ * static_cast<double>(communicator_.size())) {
    matmul_peak_ = std::max(matmul_peak_, measure_matmul_peak(config_.training.precision,
                                                              objective_.parameters().device()));
  }
  return flop_per_second / (matmul_peak_ * static_cast<double>(communicator_.size()));
}

void Trainer::note_empty_step(const StepTotals& totals) {
  if (num_empty_steps_++ > 0) return;
  progress_.clear();
  log_warning("step " + format_count(state_.step) + ": none of its " +
              format_count(totals.num_tokens) +
              " tokens was masked, so there is nothing to predict and the weights stay; special "
              "tokens and <unk> never are: look at the text with linformer-data why --config " +
              config_.run.dir + "/config.yaml --step " + std::to_string(state_.step) +
              ", or raise data.mlm_probability");
}

std::optional<EvaluationScore> Trainer::measure() {
  std::optional<WeightAverage::InPlace> averaged;
  if (average_) averaged.emplace(*average_);
  const AutocastScope scope(precision_.types());
  return objective_.evaluate(communicator_);
}

void Trainer::evaluate() {
  if (!objective_.has_evaluation() || last_evaluated_step_ == state_.step) return;
  const double start = steady_seconds();
  const std::optional<EvaluationScore> result = [&] {
    try {
      return measure();
    } catch (const PeerError&) {
      throw;  // run() saves
    } catch (const LostBytesError&) {
      throw;
    } catch (const std::exception&) {
      save_before_failing("");
      throw;
    }
  }();
  interval_.pause_seconds += steady_seconds() - start;
  if (!result) return;
  last_evaluated_step_ = state_.step;
  const bool measured = result->score.has_value();
  const bool finite = measured && std::isfinite(*result->score);
  const bool better =
      finite && (!state_.best_score ||
                 *result->score > *state_.best_score + config_.evaluation.early_stop_min_delta);
  if (measured && !finite) not_finite_step_ = state_.step;
  // A finished run is measured to be shown; what came of it is in its files.
  const bool known = state_.evaluated_step == state_.step;
  state_.evaluated_step = state_.step;
  if (communicator_.is_first()) {
    if (!known) log_evaluation(*result);
    show_evaluation(*result, better && !known);
    if (!known && setup_.after_evaluation) setup_.after_evaluation();
  }
  if (!measured || known) return;
  state_.evaluations_since_best = better ? 0 : state_.evaluations_since_best + 1;
  if (!better) return;
  state_.best_score = result->score;
  state_.best_step = state_.step;
  if (config_.checkpoint.keep_best) save(/*is_best=*/true);
}

void Trainer::log_evaluation(const EvaluationScore& score) {
  LogRecord record{{"step", state_.step}, {"tokens", state_.num_tokens}};
  record.insert(record.end(), score.record.begin(), score.record.end());
  record.emplace_back("elapsed_seconds", elapsed_seconds());
  log_.write(record, score.constants);
}

void Trainer::show_evaluation(const EvaluationScore& score, bool better) {
  progress_.clear();
  const std::string step = "step " + format_count(state_.step) + ": ";
  if (score.score && !std::isfinite(*score.score)) {
    log_warning(step + "the held-out loss is not finite");
  } else {
    log_info(step + score.summary + (better ? ", the best so far" : ""));
  }
}

}  // namespace linformer
