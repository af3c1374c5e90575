#include "linformer/analysis/attention_benchmark.h"

#include <chrono>
#include <functional>
#include <memory>

#include <ATen/ATen.h>

#include "attention_variants.h"

#include "linformer/core/stop_signal.h"
#include "linformer/kernels/caching_allocator.h"
#include "linformer/nn/self_attention.h"

namespace linformer {
namespace {

using Clock = std::chrono::steady_clock;

/// An attention layer ready to run.
struct Subject {
  ParameterSet parameters{1};
  std::function<at::Tensor(const at::Tensor& x)> forward;
};

std::unique_ptr<Subject> make_subject(const AttentionVariant& variant, const ModelConfig& config) {
  auto subject = std::make_unique<Subject>();
  const auto attention =
      std::make_shared<SelfAttention>(config, 0, "self", subject->parameters, std::nullopt);
  subject->forward = [attention, unfused = variant.unfused](const at::Tensor& x) {
    ForwardContext evaluation;
    evaluation.set_unfused_attention(unfused);
    return attention->forward(x, {}, evaluation);
  };
  return subject;
}

/// Bytes of the n x n matrices that a training step of unfused attention keeps at one time.
int64_t unfused_bytes(const AttentionBenchmarkOptions& options, int64_t batch, int64_t n) {
  constexpr int64_t kMatrices = 4;  // scores, probabilities and a gradient of each
  return kMatrices * batch * options.num_attention_heads * n * n * 4;
}

/// Seconds and peak bytes of one call.
struct Sample {
  double seconds;
  int64_t bytes;
};

Sample sample(const std::function<void()>& action) {
  reset_peak_memory();
  const auto live = static_cast<int64_t>(memory_use().live_bytes);
  const auto start = Clock::now();
  action();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return {seconds, static_cast<int64_t>(memory_use().peak_bytes) - live};
}

void measure_once(Subject& subject, const at::Tensor& x, AttentionMeasurement& result, bool keep) {
  const Sample forward = sample([&] {
    const at::NoGradGuard no_grad;
    subject.forward(x);
  });
  for (const Parameter& parameter : subject.parameters.all()) {
    at::Tensor tensor = parameter.tensor;
    tensor.mutable_grad().reset();
  }
  const at::Tensor input = x.detach().set_requires_grad(true);
  const at::Tensor upstream = at::ones_like(x);
  const Sample training = sample([&] { subject.forward(input).backward(upstream); });
  if (!keep) return;
  result.forward_seconds.push_back(forward.seconds);
  result.training_seconds.push_back(training.seconds);
  result.forward_bytes = forward.bytes;
  result.training_bytes = training.bytes;
}

}  // namespace

std::vector<AttentionMeasurement> benchmark_attention(const AttentionBenchmarkOptions& options) {
  std::vector<AttentionMeasurement> results;
  for (const int64_t n : options.lengths) {
    const int64_t batch = std::max<int64_t>(1, options.num_tokens / n);
    const at::Tensor x = ParameterSet(1).draw_normal("x", {batch, n, options.hidden_size}, 1.0);
    const size_t first = results.size();
    std::vector<std::unique_ptr<Subject>> subjects;
    for (const AttentionVariant& variant : attention_variants()) {
      const ModelConfig config = one_layer(options, variant, n);
      const bool too_large =
          variant.unfused && unfused_bytes(options, batch, n) > options.max_bytes;
      AttentionMeasurement& result = results.emplace_back();
      result.variant = variant.name;
      result.n = n;
      result.batch_size = batch;
      result.measured = !too_large && is_possible(config);
      subjects.push_back(result.measured ? make_subject(variant, config) : nullptr);
    }
    for (int64_t repeat = 0; repeat <= options.num_repeats; ++repeat) {
      for (size_t i = 0; i < subjects.size(); ++i) {
        if (stop_signal() != 0) return {};
        if (subjects[i]) measure_once(*subjects[i], x, results[first + i], repeat > 0);
      }
    }
    release_cached_memory();
  }
  return results;
}

}  // namespace linformer
