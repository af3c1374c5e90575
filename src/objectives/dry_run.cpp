#include "linformer/objectives/dry_run.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "model_check.h"

#include "linformer/core/format.h"
#include "linformer/kernels/caching_allocator.h"
#include "linformer/kernels/compute_device.h"
#include "linformer/kernels/matmul_peak.h"
#include "linformer/metrics/percent.h"
#include "linformer/nn/model_cost.h"
#include "linformer/objectives/masked_lm_loss.h"
#include "linformer/objectives/pretraining_data.h"
#include "linformer/optim/learning_rate.h"
#include "linformer/train/optimized_parameters.h"
#include "linformer/train/training_step.h"

namespace linformer {
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Probe {
  double micro_batch_seconds = 0.0;
  double update_seconds = 0.0;
  int64_t peak_bytes = 0;
};

/// Forward, backward and update of a few micro-batches of the real data.
Probe measure(const PretrainConfig& config, const BatchSource& source) {
  using Clock = std::chrono::steady_clock;
  constexpr int kRepeats = 3;
  const c10::Device device = compute_device(config.run.device);
  const Model model(
      trainable(config.model, device, config.distributed, config.training.micro_batch_size),
      static_cast<uint64_t>(config.run.seed), at::kFloat, device);
  StepPrecision precision(config.training);
  const auto optimizer =
      make_optimizer(optimized_parameters(model.parameters()), config.training.optimizer);
  TrainingStep step(precision, *optimizer, config.training.optimizer);
  Probe probe;
  double best_batch = std::numeric_limits<double>::infinity();
  double best_update = best_batch;
  reset_peak_memory();
  for (int i = 0; i < kRepeats; ++i) {
    const Batch batch =
        source.batch(i * config.training.micro_batch_size, config.training.micro_batch_size);
    const auto start = Clock::now();
    ForwardContext context(static_cast<uint64_t>(i));
    context.set_recompute(config.training.activation_checkpointing);
    const LossSum loss = step.accumulate([&] { return masked_lm_loss(model, batch, context); });
    const auto middle = Clock::now();
    step.finish(loss.num_labels, /*learning_rate=*/0.0);
    best_batch = std::min(best_batch, std::chrono::duration<double>(middle - start).count());
    best_update =
        std::min(best_update, std::chrono::duration<double>(Clock::now() - middle).count());
  }
  probe.micro_batch_seconds = best_batch;
  probe.update_seconds = best_update;
  probe.peak_bytes = static_cast<int64_t>(memory_use().peak_bytes);
  return probe;
}

std::string bytes(int64_t value) {
  return format_bytes(static_cast<double>(value));
}

std::string describe_model(const PretrainConfig& config) {
  const ParameterCounts counts = count_parameters(config.model);
  const MemoryEstimate memory =
      estimate_memory(config.model, config.training.micro_batch_size, config.data.mlm_probability);
  const Rows parameters{{"parameters", "count"},
                        {"embeddings", format_count(counts.embeddings)},
                        {"encoder layers", format_count(counts.layers)},
                        {"projections E, F", format_count(counts.projections)},
                        {"masked-LM head", format_count(counts.head)},
                        {"all", format_count(counts.total())}};
  const Rows sizes{{"memory (estimate)", "size"},
                   {"parameters", bytes(memory.parameters)},
                   {"gradients", bytes(memory.gradients)},
                   {"optimizer", bytes(memory.optimizer)},
                   {"activations", bytes(memory.activations)},
                   {"logits", bytes(memory.logits)},
                   {"all", bytes(memory.total())}};
  return format_table(parameters) + "\n" + format_table(sizes);
}

/// The learning rate over the run as a row of bars, and its corner values.
std::string describe_schedule(const PretrainConfig& config, int64_t steps) {
  static constexpr const char* kBars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr int64_t kColumns = 60;
  const int64_t warmup = config.resolved_warmup_steps();
  const TrainingConfig& training = config.training;
  std::string bars;
  for (int64_t column = 0; column < kColumns; ++column) {
    const int64_t update = column * std::max<int64_t>(0, steps - 1) / (kColumns - 1);
    const double share = learning_rate_at(training.schedule, training.learning_rate, warmup,
                                          schedule_end(training.schedule, steps), update) /
                         training.learning_rate;
    bars += kBars[std::clamp(static_cast<int>(share * 8.0 + 0.5), 0, 8)];
  }
  return "learning rate |" + bars + "|\n  warm-up " + format_count(warmup) + " steps to " +
         format_number(training.learning_rate) + ", then " +
         std::string(name_of(training.schedule.type)) + " to step " + format_count(steps) + "\n";
}

/// Epochs over the data; of several corpora, over each.
std::string describe_epochs(const PackedDataset& data, double sequences) {
  std::string text;
  for (int64_t corpus = 0; corpus < data.num_corpora(); ++corpus) {
    const double share = static_cast<double>(data.mix().shares()[static_cast<size_t>(corpus)]) /
                         static_cast<double>(data.mix().period());
    const double size = static_cast<double>(data.packing(corpus).num_sequences());
    text += (corpus > 0 ? ", " : "") + format_number(share * sequences / size);
  }
  return text;
}

std::string describe_length(const PretrainConfig& config, const PackedDataset& data,
                            const Probe& probe, double matmul_peak) {
  const double micro_batches = static_cast<double>(config.training.global_batch_size) /
                               static_cast<double>(config.training.micro_batch_size);
  const double step_seconds = micro_batches * probe.micro_batch_seconds + probe.update_seconds;
  const auto positions = static_cast<double>(config.tokens_per_step());
  const double share = positions / step_seconds *
                       model_flops_per_token(config.model, config.data.mlm_probability) /
                       matmul_peak;
  double steps = config.planned_steps() ? static_cast<double>(*config.planned_steps())
                                        : std::numeric_limits<double>::infinity();
  if (config.training.max_hours) {
    steps = std::min(steps, *config.training.max_hours * 3600.0 / step_seconds);
  }
  const auto sequences =
      static_cast<double>(config.batch_schedule().first_sequence(static_cast<int64_t>(steps)));
  const double seconds = sequences / static_cast<double>(config.training.micro_batch_size) *
                             probe.micro_batch_seconds +
                         steps * probe.update_seconds;
  const double tokens = sequences * static_cast<double>(config.model.max_sequence_length);
  const Rows rows{{"length", ""},
                  {"training data", format_count(data.num_tokens()) + " tokens in " +
                                        format_count(data.num_sequences()) + " sequences, " +
                                        percent_text(data.fill(), 1) + " filled"},
                  {"steps", format_count(static_cast<int64_t>(steps))},
                  {"tokens, padding included", format_count(static_cast<int64_t>(tokens))},
                  {"epochs over the data", describe_epochs(data, sequences)},
                  {"a step", format_duration(step_seconds) + ", " +
                                 format_count(static_cast<int64_t>(positions / step_seconds)) +
                                 " tokens/s, " + percent_text(share, 0) + " MFU"},
                  {"the run, without evaluations", format_duration(seconds)},
                  {"peak of tensors in the probe", bytes(probe.peak_bytes)}};
  return format_table(rows);
}

}  // namespace

std::string describe_run(PretrainConfig& config) {
  const PretrainingData data = open_pretraining_data(config);
  const double matmul_peak =
      measure_matmul_peak(config.training.precision, compute_device(config.run.device));
  const Probe probe = measure(config, data.train->batches());
  std::string text =
      describe_model(config) + "\n" + describe_length(config, *data.train, probe, matmul_peak);
  if (config.planned_steps()) text += "\n" + describe_schedule(config, *config.planned_steps());
  return text;
}

}  // namespace linformer
