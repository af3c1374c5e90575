#include "step_probe.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "linformer/core/format.h"
#include "linformer/core/memory_size.h"
#include "linformer/kernels/tensor_memory.h"
#include "linformer/optim/learning_rate.h"
#include "linformer/train/step_graph.h"
#include "linformer/train/training_step.h"

namespace linformer {

StepProbe probe_steps(StepProbeWork work) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [&](Clock::time_point start) {
    wait_for_device(work.device);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  StepPrecision precision(work.training);
  const auto optimizer = make_optimizer(work.parameters, work.training.optimizer);
  TrainingStep step(precision, *optimizer, work.training.optimizer);
  std::optional<StepGraph> graph;
  if (work.pass) {
    graph.emplace(std::move(work.pass),
                  StepGraph::Parts{*work.all_parameters, *optimizer, precision, step,
                                   work.training.activation_checkpointing, /*asked=*/false});
  }
  // At least three, at least eight if they take less than half a minute, and for at least 4 s.
  const auto is_enough = [](int64_t timed, double seconds) {
    return (timed >= 8 && seconds >= 4.0) || (timed >= 3 && seconds >= 30.0);
  };
  StepProbe sum;
  int64_t timed = 0;
  reset_peak_tensor_memory(work.device);
  for (int64_t i = 0; !is_enough(timed, sum.micro_batch_seconds + sum.update_seconds); ++i) {
    const Batch batch = work.batch(i);
    wait_for_device(work.device);
    const auto start = Clock::now();
    const auto dropout_key = static_cast<uint64_t>(i);
    std::optional<LossSum> loss;
    if (graph) loss = graph->accumulate(batch, dropout_key, /*first=*/true);
    if (!loss) {
      ForwardContext context(dropout_key);
      context.set_recompute(work.training.activation_checkpointing);
      loss = step.accumulate([&] { return work.loss(batch, context); });
    }
    const double passes = seconds_since(start);
    const auto middle = Clock::now();
    step.finish(loss->num_labels, /*learning_rate=*/0.0);
    const double update = seconds_since(middle);
    if (i == 0) continue;
    ++timed;
    sum.micro_batch_seconds += passes;
    sum.update_seconds += update;
    sum.tokens += static_cast<double>(batch.num_tokens);
  }
  const auto count = static_cast<double>(timed);
  return {sum.micro_batch_seconds / count, sum.update_seconds / count, sum.tokens / count,
          tensor_memory(work.device).peak_bytes};
}

std::string step_text(double seconds, double tokens_per_second) {
  const std::string time =
      seconds < 1.0 ? format_number(1e3 * seconds, 3) + " ms" : format_duration(seconds);
  return time + ", " + format_count(static_cast<int64_t>(tokens_per_second)) + " tokens/s";
}

std::vector<std::vector<std::string>> memory_rows(const StepProbe& probe) {
  return {
      {"peak of tensors in the probe", format_bytes(static_cast<double>(probe.peak_tensor_bytes))},
      {"peak of this process, libraries included", format_bytes(peak_process_bytes())}};
}

std::string describe_schedule(const TrainingConfig& training, int64_t warmup_steps, int64_t steps) {
  static constexpr const char* kBars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr int64_t kColumns = 60;
  std::string bars;
  for (int64_t column = 0; column < kColumns; ++column) {
    const int64_t update = column * std::max<int64_t>(0, steps - 1) / (kColumns - 1);
    const double share = learning_rate_at(training.schedule, training.learning_rate, warmup_steps,
                                          schedule_end(training.schedule, steps), update) /
                         training.learning_rate;
    bars += kBars[std::clamp(static_cast<int>(share * 8.0 + 0.5), 0, 8)];
  }
  return "learning rate |" + bars + "|\n  warm-up " + format_count(warmup_steps, "step") + " to " +
         format_number(training.learning_rate) + ", then " +
         std::string(name_of(training.schedule.type)) + " to step " + format_count(steps) + "\n";
}

}  // namespace linformer
