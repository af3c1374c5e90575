#include "linformer/analysis/step_benchmark.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include <ATen/ATen.h>

#include "linformer/core/random.h"
#include "linformer/core/special_tokens.h"
#include "linformer/kernels/matmul_peak.h"
#include "linformer/kernels/tensor_memory.h"
#include "linformer/nn/model_cost.h"
#include "linformer/objectives/masked_lm_loss.h"
#include "linformer/objectives/masked_lm_pass.h"
#include "linformer/optim/optimizer.h"
#include "linformer/train/optimized_parameters.h"
#include "linformer/train/step_graph.h"
#include "linformer/train/training_step.h"

namespace linformer {
namespace {

constexpr int64_t kFirstWord = kUnkId + 1;  // after the special tokens

Batch random_batch(const StepBenchmarkOptions& options, uint64_t number) {
  RandomStream random(RandomPurpose::kTest, {number});
  Batch batch;
  batch.num_sequences = options.batch_size;
  batch.length = options.model.max_sequence_length;
  const int64_t positions = batch.num_sequences * batch.length;
  const auto words = static_cast<uint64_t>(options.model.vocab_size - kFirstWord - 1);
  for (int64_t i = 0; i < positions; ++i) {
    batch.input_ids.push_back(kFirstWord + static_cast<int64_t>(random.below(words)));
  }
  batch.attention_mask.assign(static_cast<size_t>(positions), 1);
  batch.num_tokens = positions;
  const double stride = 1.0 / options.mlm_probability;
  for (double next = 0.0; next < static_cast<double>(positions); next += stride) {
    batch.masked_positions.push_back(static_cast<int64_t>(next));
    batch.masked_labels.push_back(kFirstWord + static_cast<int64_t>(random.below(words)));
  }
  return batch;
}

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

double StepBenchmarkResult::median_seconds() const {
  return median(step_seconds);
}
double StepBenchmarkResult::median_matmul_peak() const {
  return median(matmul_peaks);
}

StepBenchmarkResult benchmark_step(const StepBenchmarkOptions& options) {
  using Clock = std::chrono::steady_clock;
  options.model.validate();
  const Model model(options.model, 1, at::kFloat, options.device);
  TrainingConfig training;
  training.precision = options.precision;
  training.optimizer.type = options.optimizer;
  const auto optimizer =
      make_optimizer(optimized_parameters(model.parameters()), training.optimizer);
  StepPrecision precision(training);
  TrainingStep training_step(precision, *optimizer, training.optimizer);
  std::optional<StepGraph> graph;
  if (options.step_graph) {
    graph.emplace(masked_lm_pass(model, options.batch_size, options.mlm_probability),
                  StepGraph::Parts{model.parameters(), *optimizer, precision, training_step,
                                   options.activation_checkpointing});
  }
  StepBenchmarkResult result;
  result.tokens_per_step =
      static_cast<double>(options.batch_size * options.model.max_sequence_length);
  result.model_flops_per_token = model_flops_per_token(options.model, options.mlm_probability);
  result.num_parameters = model.parameters().count();
  result.matmul_peaks.push_back(measure_matmul_peak(options.precision, options.device));
  for (int64_t step = 0; step < options.num_warmup + options.num_steps; ++step) {
    const Batch batch = random_batch(options, static_cast<uint64_t>(step));
    if (step == options.num_warmup) reset_peak_tensor_memory(options.device);
    wait_for_device(options.device);
    const auto start = Clock::now();
    const auto dropout_key = static_cast<uint64_t>(step);
    std::optional<LossSum> loss;
    if (graph) loss = graph->accumulate(batch, dropout_key, /*first=*/true);
    if (!loss) {
      ForwardContext context(dropout_key);
      context.set_recompute(options.activation_checkpointing);
      loss = training_step.accumulate([&] { return masked_lm_loss(model, batch, context); });
    }
    training_step.finish(loss->num_labels, /*learning_rate=*/1e-4);
    wait_for_device(options.device);
    if (step < options.num_warmup) continue;
    result.step_seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    result.peak_tensor_bytes =
        std::max(result.peak_tensor_bytes, tensor_memory(options.device).peak_bytes);
    result.matmul_peaks.push_back(measure_matmul_peak(options.precision, options.device));
  }
  result.ran_as_graph = graph && graph->num_left() == 0;
  return result;
}

}  // namespace linformer
