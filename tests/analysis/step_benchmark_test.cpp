#include "linformer/analysis/step_benchmark.h"

#include <gtest/gtest.h>

#include "linformer/kernels/caching_allocator.h"
#include "linformer/nn/model_cost.h"

namespace linformer {
namespace {

TEST(Median, OfOddAndEvenCounts) {
  EXPECT_EQ(median({3.0, 1.0, 2.0}), 2.0);
  EXPECT_EQ(median({4.0, 1.0, 2.0, 3.0}), 2.5);
  EXPECT_EQ(median({7.0}), 7.0);
}

StepBenchmarkOptions small_step() {
  StepBenchmarkOptions options;
  options.model.vocab_size = 50;
  options.model.hidden_size = 16;
  options.model.num_hidden_layers = 1;
  options.model.num_attention_heads = 2;
  options.model.intermediate_size = 32;
  options.model.max_sequence_length = 32;
  options.model.attention.projected_length = 8;
  options.batch_size = 3;
  options.num_steps = 4;
  options.num_warmup = 1;
  return options;
}

TEST(StepBenchmark, CountsWhatItMeasures) {
  const StepBenchmarkOptions options = small_step();
  install_caching_allocator();  // it is what counts tensors
  const StepBenchmarkResult result = benchmark_step(options);
  EXPECT_EQ(result.step_seconds.size(), 4u);
  EXPECT_GE(result.matmul_peaks.size(), 4u);
  EXPECT_EQ(result.tokens_per_step, 3 * 32);
  EXPECT_EQ(result.num_parameters, count_parameters(options.model).total());
  EXPECT_EQ(result.model_flops_per_token, model_flops_per_token(options.model, 0.15));
  EXPECT_GE(result.peak_tensor_bytes,
            4 * result.num_parameters * 4);  // weights, gradients, moments
  EXPECT_DOUBLE_EQ(result.tokens_per_second() * result.median_seconds(), 96.0);
  EXPECT_GT(result.mfu(), 0.0);
  EXPECT_LT(result.mfu(), 1.0);
  EXPECT_FALSE(result.ran_as_graph);
}

TEST(StepBenchmark, RunsTheStepAsAGraph) {
  StepBenchmarkOptions options = small_step();
  options.step_graph = true;
  const StepBenchmarkResult result = benchmark_step(options);
  EXPECT_TRUE(result.ran_as_graph);
  EXPECT_EQ(result.step_seconds.size(), 4u);
  // As many positions are predicted as in a run with these settings: no batch is left out.
  options.mlm_probability = 0.4;
  EXPECT_TRUE(benchmark_step(options).ran_as_graph);
}

}  // namespace
}  // namespace linformer
