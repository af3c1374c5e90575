// What the trainer measures and tells: log lines, progress, held-out perplexity.
#include <cmath>

#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/kernels/matmul_peak.h"
#include "linformer/nn/model_cost.h"
#include "linformer/train/trainer.h"

namespace linformer {

void Trainer::log_step(const StepTotals& totals) {
  interval_.nll_sum += totals.nll_sum;
  interval_.num_labels += totals.num_labels;
  interval_.num_tokens += totals.num_tokens;
  ++interval_.num_steps;
  const bool first = interval_.num_steps == 1 && last_evaluated_step_ < 0 && state_.step == 1;
  if (state_.step % config_.logging.every != 0 && !first) return;
  if (!team_.is_first()) return;
  const double seconds =
      std::max(1e-9, steady_seconds() - interval_.start - interval_.pause_seconds);
  const double tokens_per_second = static_cast<double>(interval_.num_tokens) / seconds;
  const NllTotals mean{interval_.nll_sum, interval_.num_labels};
  const double flop_per_second =
      tokens_per_second *
      needed_flop_per_token(config_.model, config_.masking_rate().at(state_.step - 1));
  // Above the peak: something else was computing while the peak was measured.
  if (flop_per_second > matmul_peak_ * static_cast<double>(team_.size())) {
    matmul_peak_ = std::max(matmul_peak_, measure_matmul_peak(config_.training.precision,
                                                              model_->parameters().device()));
  }
  const double share = flop_per_second / (matmul_peak_ * static_cast<double>(team_.size()));
  const double waited = prefetcher_->waited_seconds();
  LogRecord record{{"step", state_.step},
                   {"tokens", state_.num_tokens},
                   {"epoch", static_cast<double>(state_.position) /
                                 static_cast<double>(data_.train->num_sequences())},
                   {"loss", mean.mean()},
                   {"perplexity", mean.perplexity()},
                   {"learning_rate", totals.learning_rate},
                   {"grad_norm", totals.gradient_norm},
                   {"tokens_per_second", tokens_per_second},
                   {"mfu", share},
                   {"loader_wait_seconds", waited - interval_.waited_before},
                   {"elapsed_seconds", elapsed_seconds()}};
  for (const auto& entry : precision_.log_record()) record.push_back(entry);
  log_.write(record);
  TrainingProgress progress;
  progress.step = state_.step;
  progress.total_steps = config_.planned_steps();
  progress.loss = mean.mean();
  progress.perplexity = mean.perplexity();
  progress.learning_rate = totals.learning_rate;
  progress.tokens_per_second = tokens_per_second;
  progress.peak_share = share;
  if (progress.total_steps) {
    progress.eta_seconds = seconds / static_cast<double>(interval_.num_steps) *
                           static_cast<double>(*progress.total_steps - state_.step);
  }
  if (config_.training.max_hours) {
    const double left = *config_.training.max_hours * kSecondsPerHour - elapsed_seconds();
    progress.eta_seconds = std::max(0.0, std::min(progress.eta_seconds.value_or(left), left));
  }
  progress_.update(format_progress(progress));
  interval_ = {.start = steady_seconds(), .waited_before = waited};
}

void Trainer::evaluate() {
  if (!data_.valid || last_evaluated_step_ == state_.step) return;
  const double start = steady_seconds();
  EvaluationOptions options{static_cast<uint64_t>(config_.evaluation.mask_seed),
                            config_.evaluation_batch_size(), config_.evaluation.max_sequences};
  team_.divide(options);
  std::optional<WeightAverage::InPlace> averaged;
  if (average_) averaged.emplace(*average_);
  const EvaluationResult result = team_.sum([&] {
    const AutocastScope scope(precision_.types());
    return evaluate_dataset(*model_, data_.valid->batches(), options, &unigram_);
  }());
  averaged.reset();
  interval_.pause_seconds += steady_seconds() - start;
  if (!result.complete) return;
  last_evaluation_ = result;
  last_evaluated_step_ = state_.step;
  const double loss = result.model.mean();
  if (!std::isfinite(loss)) {
    fail_run("evaluation at step " + std::to_string(state_.step),
             "the held-out loss is not finite; the last checkpoint is intact",
             "lower training.learning_rate and resume");
  }
  const bool better =
      !state_.best_loss || loss < *state_.best_loss - config_.evaluation.early_stop_min_delta;
  if (team_.is_first()) log_evaluation(result, better);
  state_.evaluations_since_best = better ? 0 : state_.evaluations_since_best + 1;
  if (!better) return;
  state_.best_loss = loss;
  state_.best_step = state_.step;
  if (config_.checkpoint.keep_best) save(/*is_best=*/true);
}

void Trainer::log_evaluation(const EvaluationResult& result, bool better) {
  const TokenDataset& valid = data_.valid->dataset();
  const double bits = bits_per_byte(result.model, valid.num_tokens(), valid.text_bytes());
  log_.write({{"step", state_.step},
              {"tokens", state_.num_tokens},
              {"valid_loss", result.model.mean()},
              {"valid_perplexity", result.model.perplexity()},
              {"valid_bits_per_byte", bits},
              {"unigram_perplexity", result.unigram->perplexity()},
              {"valid_masked_tokens", result.model.masked_tokens},
              {"mask_seed", config_.evaluation.mask_seed},
              {"elapsed_seconds", elapsed_seconds()}});
  progress_.clear();
  log_info("step " + format_count(state_.step) + ": held-out perplexity " +
           format_number(result.model.perplexity()) + " (unigram " +
           format_number(result.unigram->perplexity()) + "), " + format_number(bits) +
           " bits per byte" + (better ? ", the best so far" : ""));
}

}  // namespace linformer
