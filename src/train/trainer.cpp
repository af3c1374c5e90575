#include "linformer/train/trainer.h"

#include <cmath>
#include <filesystem>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "linformer/config/config_file.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/machine.h"
#include "linformer/core/mapped_file.h"
#include "linformer/core/random.h"
#include "linformer/core/stop_signal.h"
#include "linformer/kernels/device_transfer.h"
#include "linformer/kernels/matmul_peak.h"
#include "linformer/kernels/tensor_memory.h"
#include "linformer/optim/learning_rate.h"
#include "linformer/train/session_limit.h"
#include "linformer/train/step_statistics.h"

namespace linformer {
namespace {

bool due(int64_t step, int64_t every) {
  return every > 0 && step % every == 0;
}

}  // namespace

const char* words_of(StopReason reason) {
  switch (reason) {
    case StopReason::kFinished:
      return "finished";
    case StopReason::kEarlyStop:
      return "stopped early";
    case StopReason::kTimeBudget:
      return "time is up";
    case StopReason::kSignal:
      return "signal";
    case StopReason::kSessionEnd:
      return "session's end";
  }
  return "";
}

Trainer::Trainer(Objective& objective, TrainerSetup setup, std::shared_ptr<ProcessGroup> processes)
    : objective_(objective),
      setup_(std::move(setup)),
      config_(setup_.config),
      communicator_(std::move(processes)),
      lock_([this]() -> std::unique_ptr<FileLock> {
        if (!communicator_.is_first()) return nullptr;
        make_directories(config_.run.dir);
        return std::make_unique<FileLock>(config_.run.dir + "/lock");
      }()),
      optimizer_(communicator_.prepare(objective_.optimized_parameters(), config_)),
      precision_(config_.training),
      step_(precision_, *optimizer_, config_.training.optimizer),
      checkpoints_(config_.run.dir + "/checkpoints", config_.checkpoint),
      guard_(config_.training.guard),
      log_(config_.run.dir, config_.logging.tensorboard ? TensorBoard::kOn : TensorBoard::kOff),
      journal_(config_.run.dir),
      progress_(stderr, ProgressLine::Mode::kAutomatic, 1),
      profiler_(communicator_.is_first() ? config_.logging.profile : ProfileConfig{},
                config_.run.dir),
      writer_(checkpoints_, config_.checkpoint.background) {
  if (const auto seconds = seconds_to_session_end(config_))
    session_end_ = steady_seconds() + *seconds;
  state_.seed = static_cast<uint64_t>(config_.run.seed);
  state_.data_fingerprint = objective_.data_fingerprint();
  state_.held_out_fingerprint = objective_.held_out_fingerprint();
  state_.settings = setup_.settings;
  state_.loss_scale = precision_.state();
  communicator_.check_same_run(config_, setup_.shared_settings, state_.data_fingerprint);
  if (config_.training.ema_decay) {
    average_.emplace(named_parameters(objective_.parameters()), *config_.training.ema_decay);
  }
  const NamedTensors moments = communicator_.whole_state(*optimizer_, Communicator::Fetch::kNo);
  if (communicator_.is_first()) {
    checkpoints_.prepare();
    resume(moments);
    prepare_run_folder();
  }
  communicator_.share_start(objective_.parameters(), moments, *optimizer_, state_);
  if (average_) communicator_.share(average_->state());
  precision_.set_state(state_.loss_scale);
  guard_.state() = state_.guard;
  last_saved_step_ = communicator_.maximum({last_saved_step_}).front();
  matmul_peak_ = measure_matmul_peak(config_.training.precision, objective_.parameters().device());
}

void Trainer::prepare_run_folder() {
  const std::string path = config_.run.dir + "/config.yaml";
  const bool over = is_over();
  // Settings that a finished run was not trained with are not written as its own.
  if (over && std::filesystem::exists(path)) {
    setup_.resolved_yaml = read_text_file(path);
  } else {
    write_file_atomically(path, setup_.resolved_yaml);
  }
  const bool evaluated = !objective_.has_evaluation() || state_.evaluated_step == state_.step;
  if (over && evaluated) return;  // nothing will be logged
  const int64_t dropped =
      log_.start_session(state_.step, state_.log_bytes, setup_.resolved_yaml, setup_.settings);
  if (dropped > 0) {
    log_info("log.jsonl: dropped " + std::to_string(dropped) + " lines after step " +
             std::to_string(state_.step) + ", they will be written again");
  }
}

void Trainer::resume(const NamedTensors& moments) {
  const std::optional<Checkpoint> newest = checkpoints_.newest_whole();
  if (!newest) {
    if (config_.checkpoint.resume == ResumeMode::kMust) {
      fail_run(
          config_.run.dir, "there is no checkpoint to resume from",
          "check " + setting_name("run.dir") + ", or start anew with --set checkpoint.resume=auto");
    }
    objective_.start_weights();
    if (average_) average_->restart();
    return;
  }
  if (config_.training.overfit_one_batch) {
    fail_usage(
        "training.overfit_one_batch", config_.run.dir + " has checkpoints of a real run",
        "choose another " + setting_name("run.dir") + "; linformer-train --overfit-one-batch does");
  }
  if (config_.checkpoint.resume == ResumeMode::kNever) {
    fail_usage("checkpoint.resume",
               "never, but " + config_.run.dir + " has a checkpoint of step " +
                   std::to_string(newest->step),
               "choose another " + setting_name("run.dir") +
                   ", or resume with --set checkpoint.resume=auto");
  }
  load_checkpoint(newest->folder, moments);
  log_info("resumed from " + newest->folder + " at step " + format_count(state_.step));
  compare_settings(newest->folder);
}

void Trainer::load_checkpoint(const std::string& folder, const NamedTensors& moments) {
  objective_.load_checkpoint_weights(folder);
  const TrainingState state = load_training_state(folder, moments);
  check_resumable(state, folder);
  take_average(folder);
  take_state(state);
  optimizer_->set_num_updates(state_.num_updates);
}

void Trainer::take_average(const std::string& folder) {
  const std::string path = weight_average_path(folder);
  const std::string raw = raw_weights_path(folder);
  const bool model_is_average = std::filesystem::exists(raw);
  const bool saved = model_is_average || std::filesystem::exists(path);
  if (model_is_average) {
    if (average_) average_->restart();  // from model.safetensors, which the weights hold so far
    load_into(raw, named_parameters(objective_.parameters()));
  } else if (average_ && saved) {
    load_into(path, average_->state());
  }
  if (average_ && !saved) {
    average_->restart();
    log_warning("training.ema_decay was off in " + folder +
                "; the average begins with its weights");
  } else if (!average_ && saved) {
    log_warning("training.ema_decay is off; the averaged weights of " + folder + " are given up");
  }
}

std::optional<StopReason> Trainer::finished() {
  if (is_last_step()) return StopReason::kFinished;
  const ControlFlags all = agreed_ ? *agreed_ : communicator_.agree(control_flags());
  agreed_.reset();
  save_wanted_ = save_wanted_ || all.save_wanted;
  if (all.stop_signal != 0) {
    set_stop_signal(all.stop_signal);
    return StopReason::kSignal;
  }
  if (all.session_ends) return StopReason::kSessionEnd;
  const int64_t patience = config_.evaluation.early_stop_patience;
  if (patience > 0 && state_.evaluations_since_best >= patience) return StopReason::kEarlyStop;
  if (all.time_is_up) return StopReason::kTimeBudget;
  return std::nullopt;
}

ControlFlags Trainer::control_flags() const {
  ControlFlags own;
  own.stop_signal = stop_signal();
  own.time_is_up = config_.training.max_hours &&
                   elapsed_seconds() >= *config_.training.max_hours * kSecondsPerHour;
  own.session_ends = session_end_ && steady_seconds() >= *session_end_;
  own.save_wanted = take_save_request();
  return own;
}

int64_t Trainer::micro_batches_per_process() const {
  return config_.training.batch_schedule().sequences(state_.step) /
         (config_.training.micro_batch_size * communicator_.size());
}

StopReason Trainer::run() {
  try {
    const StopReason reason = train();
    end_session("ended", {{"step", state_.step}, {"reason", words_of(reason)}});
    return reason;
  } catch (const PeerError& error) {
    save_before_failing("without the other processes");
    end_session("failed", {{"step", state_.step}, {"text", error.what()}});
    throw;
  } catch (const LostBytesError& error) {
    save_before_failing("without the data that are gone");
    end_session("failed", {{"step", state_.step}, {"text", error.what()}});
    throw;
  } catch (const std::exception& error) {
    end_session("failed", {{"step", state_.step}, {"text", error.what()}});
    throw;
  }
}

void Trainer::begin_session() {
  if (!communicator_.is_first()) return;
  in_session_ = true;
  LogRecord record{{"step", state_.step}};
  if (config_.training.max_steps) record.emplace_back("total_steps", *config_.training.max_steps);
  const LogRecord rest{{"device", objective_.parameters().device().str()},
                       {"precision", std::string(name_of(config_.training.precision))},
                       {"threads", at::get_num_threads()},
                       {"processes", communicator_.size()},
                       {"machine", machine_name()},
                       {"version", library_version()},
                       {"command", own_command_line()}};
  record.insert(record.end(), rest.begin(), rest.end());
  journal_.write("started", record);
  journal_.write_warnings(state_.step);
}

void Trainer::end_session(const std::string& event, const LogRecord& values) {
  if (!in_session_) return;
  in_session_ = false;
  journal_.write_warnings(state_.step);
  journal_.write(event, values);
}

void Trainer::start_prefetcher() {
  const auto offset = [this](int64_t number) {
    return communicator_.offset(number, config_.training.micro_batch_size);
  };
  prefetcher_ = std::make_unique<BatchPrefetcher>(
      objective_.micro_batches({state_.step, state_.position}, offset), /*first=*/0,
      setup_.loader.prefetch_batches, setup_.loader.threads);
}

void Trainer::start_graph() {
  if (!wants_step_graph(config_.training, objective_.parameters().device())) return;
  const bool asked = config_.training.step_graph == StepGraphUse::kOn;
  const auto without = [&](const std::string& why) {
    if (asked) log_warning("training.step_graph: steps run without a graph, since " + why);
  };
  if (!communicator_.is_alone()) return without("there are several processes");
  if (precision_.precision() == Precision::kFp16) {
    return without("fp16 has a loss scale that changes");
  }
  std::unique_ptr<FixedShapePass> pass = objective_.fixed_shape_pass();
  if (!pass) return without("micro-batches differ in their shape");
  graph_.emplace(std::move(pass),
                 StepGraph::Parts{objective_.parameters(), *optimizer_, precision_, step_,
                                  config_.training.activation_checkpointing, asked});
}

StopReason Trainer::train() {
  start_prefetcher();
  start_graph();
  session_start_ = steady_seconds();
  session_elapsed_ = state_.elapsed_seconds;
  interval_ = {.start = session_start_};
  std::optional<StopReason> reason = finished();
  const bool no_step = reason.has_value();
  if (!no_step) {
    state_.settings = setup_.settings;
    begin_session();
  }
  while (!reason) {
    profiler_.before_step(state_.step + 1);
    if (guard_.passes_over(state_.step + 1)) {
      pass_over_step();
    } else if (const std::optional<StepTotals> totals = train_step()) {
      profiler_.after_step(state_.step);
      if (totals->problem) {
        handle_problem(*totals);
      } else {
        if (totals->num_labels == 0) note_empty_step(*totals);
        log_step(*totals);
      }
      // Bad weights are neither worth an evaluation nor a checkpoint, so the guard comes first.
      // finish() handles the last step.
      if (is_sound() && !is_last_step() && due(state_.step, config_.evaluation.every)) evaluate();
      if (is_sound() && !is_last_step() && due(state_.step, config_.checkpoint.every)) save();
    }
    writer_.poll();
    reason = finished();
    if (!reason && save_wanted_) save();
  }
  profiler_.finish();
  if (graph_ && graph_->num_run() > 0 && config_.training.step_graph == StepGraphUse::kOn) {
    log_info("training.step_graph: " + format_count(graph_->num_run()) + " of " +
             format_count(graph_->num_run() + graph_->num_left()) +
             " micro-batches ran as a graph");
  }
  if (*reason == StopReason::kSessionEnd && no_step) check_session_length();
  if (*reason != StopReason::kSignal && *reason != StopReason::kSessionEnd) finish();
  save();
  writer_.wait();
  progress_.finish();
  return *reason;
}

bool Trainer::is_last_step() const {
  return config_.training.max_steps && state_.step >= *config_.training.max_steps;
}

bool Trainer::is_sound() const {
  return guard_.state().consecutive_skips == 0 && not_finite_step_ != state_.step;
}

bool Trainer::stops_within_step() const {
  // Several processes end together, after the step.
  return stop_signal() != 0 && communicator_.is_alone();
}

void StepTotals::add(const LossSum& loss, const Batch& batch) {
  num_labels += loss.num_labels;
  num_tokens += batch.num_tokens;
  device_ = loss.sum.device();
  pending_.push_back({start_copy_to_host(loss.sum), batch.samples});
}

void StepTotals::read_losses() {
  if (pending_.empty()) return;
  wait_for_device(*device_);
  for (const PendingLoss& loss : pending_) {
    const auto sum = loss.sum.item<double>();
    loss_sum += sum;
    if (!std::isfinite(sum)) {
      not_finite.insert(not_finite.end(), loss.samples.begin(), loss.samples.end());
    }
  }
  pending_.clear();
}

Batch Trainer::accumulate(int64_t number, StepTotals& totals,
                          const TrainingStep::Backward& backward) {
  const TrainingConfig& training = config_.training;
  const Batch batch = prefetcher_->next();
  const int64_t position =
      state_.position + communicator_.offset(number, training.micro_batch_size);
  const uint64_t dropout_key =
      stream_key(RandomPurpose::kDropout, {state_.seed, static_cast<uint64_t>(position)});
  if (graph_) {
    if (const auto loss = graph_->accumulate(batch, dropout_key, number == 0)) {
      totals.add(*loss, batch);
      return batch;
    }
  }
  ForwardContext context(dropout_key);
  context.set_recompute(training.activation_checkpointing);
  step_.accumulate([&] { return objective_.loss(batch, context); },
                   [&](const LossSum& loss, const at::Tensor& scaled) {
                     totals.add(loss, batch);
                     backward(loss, scaled);
                   });
  return batch;
}

std::optional<StepTotals> Trainer::train_step() {
  StepTotals totals;
  const int64_t last = micro_batches_per_process() - 1;
  for (int64_t number = 0; number < last && !stops_within_step(); ++number) {
    accumulate(number, totals, [this](const LossSum&, const at::Tensor& scaled) {
      communicator_.backward(scaled, Communicator::Micro::kMoreFollow);
    });
  }
  if (stops_within_step()) {
    step_.drop_gradients();
    return std::nullopt;
  }
  // The sums of all processes are sent during the last backward pass.
  std::function<StepSums()> sums;
  const Batch batch = accumulate(last, totals, [&](const LossSum&, const at::Tensor& scaled) {
    if (!communicator_.is_alone()) {
      totals.read_losses();
      sums = communicator_.start_sum(
          {totals.loss_sum, totals.num_labels, totals.num_tokens, control_flags()});
    }
    communicator_.backward(scaled, Communicator::Micro::kLast);
  });
  if (!communicator_.is_alone()) {
    const StepSums all = sums();
    totals.loss_sum = all.loss_sum;
    totals.num_labels = all.num_labels;
    totals.num_tokens = all.num_tokens;
    agreed_ = all.flags;
  }
  update(totals, batch);
  advance(totals.num_tokens);
  return totals;
}

double Trainer::next_learning_rate() const {
  const TrainingConfig& training = config_.training;
  return learning_rate_at(training.schedule, training.learning_rate,
                          config_.resolved_warmup_steps(),
                          schedule_end(training.schedule, training.max_steps), state_.step);
}

void Trainer::update(StepTotals& totals, const Batch& last) {
  const StepGradients gradients = step_.end_passes(totals.num_labels);
  totals.read_losses();  // the norm has been waited for already
  totals.gradient_norm = gradients.norm;
  totals.learning_rate = next_learning_rate();
  // If the loss is finite, an overflow of fp16 is handled by the loss scale.
  const bool overflowed = !gradients.usable && std::isfinite(totals.mean_loss());
  const bool empty = totals.num_labels == 0;
  if (!overflowed && !empty) {
    totals.problem = guard_.find_problem(totals.mean_loss(), totals.gradient_norm);
  }
  // Without a gradient, the optimizer would only decay weights and moments.
  const bool take = gradients.usable && !empty && !totals.problem;
  const bool measure = take && due(state_.step + 1, config_.logging.statistics_every);
  std::optional<StepStatistics> statistics;
  if (measure && communicator_.is_first()) {
    statistics.emplace(objective_.parameters(), static_cast<double>(totals.num_labels));
  }
  if (take) {
    step_.update(gradients, totals.learning_rate);
    guard_.accept(totals.mean_loss(), totals.gradient_norm);
  }
  state_.num_updates = optimizer_->num_updates();
  state_.learning_rate = totals.learning_rate;
  state_.loss_scale = precision_.state();
  step_.drop_gradients();
  if (take) communicator_.share_update();
  if (take && average_) average_->update(state_.step);
  if (statistics)
    log_.write(statistics->after_update(state_.step + 1, objective_.hidden_states(last)));
}

void Trainer::advance(int64_t num_tokens) {
  state_.position += config_.training.batch_schedule().sequences(state_.step);
  state_.num_tokens += num_tokens;
  ++state_.step;
}

void Trainer::pass_over_step() {
  for (int64_t i = 0; i < micro_batches_per_process(); ++i) prefetcher_->next();
  advance(/*num_tokens=*/0);
  if (communicator_.is_first()) log_.write({{"event", "passed_over"}, {"step", state_.step}});
}

double Trainer::elapsed_seconds() const {
  return session_elapsed_ + (steady_seconds() - session_start_);
}

}  // namespace linformer
