#include "linformer/objectives/dry_run.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "model_check.h"
#include "step_probe.h"

#include "linformer/core/format.h"
#include "linformer/kernels/compute_device.h"
#include "linformer/kernels/matmul_peak.h"
#include "linformer/metrics/percent.h"
#include "linformer/nn/model_cost.h"
#include "linformer/objectives/masked_lm_loss.h"
#include "linformer/objectives/masked_lm_pass.h"
#include "linformer/objectives/pretraining_data.h"
#include "linformer/train/optimized_parameters.h"
#include "linformer/train/step_graph.h"

namespace linformer {
namespace {

using Rows = std::vector<std::vector<std::string>>;

/// A few micro-batches of the real data.
StepProbe measure(const PretrainConfig& config, const BatchSource& source, c10::Device device) {
  const Model model(
      trainable(config.model, device, config.distributed, config.training.micro_batch_size),
      static_cast<uint64_t>(config.run.seed), at::kFloat, device);
  StepProbeWork work;
  work.training = config.training;
  work.parameters = optimized_parameters(model.parameters());
  work.loss = [&](const Batch& batch, ForwardContext& context) {
    return masked_lm_loss(model, batch, context);
  };
  work.device = device;
  work.batch = [&](int64_t i) {
    return source.batch(i * config.training.micro_batch_size, config.training.micro_batch_size);
  };
  if (wants_step_graph(config.training, device) && config.training.precision != Precision::kFp16) {
    work.pass = masked_lm_pass(model, config);
    work.all_parameters = &model.parameters();
  }
  return probe_steps(std::move(work));
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
                            const StepProbe& probe, double matmul_peak) {
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
  Rows rows{{"length", ""},
            {"training data", format_count(data.num_tokens(), "token") + " in " +
                                  format_count(data.num_sequences(), "sequence") + ", " +
                                  percent_text(data.fill(), 1) + " filled"},
            {"steps", format_count(static_cast<int64_t>(steps))},
            {"tokens, padding included", format_count(static_cast<int64_t>(tokens))},
            {"epochs over the data", describe_epochs(data, sequences)},
            {"a step", step_text(step_seconds, positions / step_seconds) + ", " +
                           percent_text(share, 0) + " MFU"},
            {"the run, without evaluations", format_duration(seconds)}};
  for (const auto& row : memory_rows(probe)) rows.push_back(row);
  return format_table(rows);
}

}  // namespace

std::string describe_run(PretrainConfig& config) {
  const PretrainingData data = open_pretraining_data(config);
  const c10::Device device = compute_device(config.run.device);
  const double matmul_peak = measure_matmul_peak(config.training.precision, device);
  const StepProbe probe = measure(config, data.train->batches(), device);
  std::string text =
      describe_model(config) + "\n" + describe_length(config, *data.train, probe, matmul_peak);
  if (config.planned_steps()) {
    text += "\n" + describe_schedule(config.training, config.resolved_warmup_steps(),
                                     *config.planned_steps());
  }
  return text;
}

}  // namespace linformer
