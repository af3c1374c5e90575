#pragma once

#include <cstdint>
#include <vector>

#include <c10/core/Device.h>

#include "linformer/config/model_config.h"
#include "linformer/config/pretrain_config.h"

namespace linformer {

struct StepBenchmarkOptions {
  ModelConfig model;
  int64_t batch_size = 8;  ///< sequences of max_sequence_length random tokens, one micro-batch
  int64_t num_steps = 10;  ///< measured, after the warm-up
  int64_t num_warmup = 2;
  double mlm_probability = 0.15;
  bool activation_checkpointing = false;
  bool step_graph = false;  ///< forward and backward pass as one graph of the device (StepGraph)
  Precision precision = Precision::kFp32;
  OptimizerType optimizer = OptimizerType::kAdamw;
  c10::Device device = c10::kCPU;
};

struct StepBenchmarkResult {
  std::vector<double> step_seconds;  ///< forward, backward, clipping and update
  std::vector<double>
      matmul_peaks;  ///< FLOP/s in the step's precision, before, between and after steps
  double tokens_per_step = 0;
  double model_flops_per_token = 0;
  int64_t peak_tensor_bytes = 0;  ///< largest sum of live tensors
  int64_t num_parameters = 0;
  bool ran_as_graph = false;  ///< every measured step; false if the graph was given up

  double median_seconds() const;
  double median_matmul_peak() const;
  double tokens_per_second() const { return tokens_per_step / median_seconds(); }
  /// Share of the measured matrix-multiply peak that the needed FLOPs reach.
  double mfu() const { return tokens_per_second() * model_flops_per_token / median_matmul_peak(); }
};

/// Times whole training steps on random tokens. The matrix-multiply peak is measured in turn in the
/// same run, so that the share does not depend on the machine's present speed.
StepBenchmarkResult benchmark_step(const StepBenchmarkOptions& options);

/// Median of a list that is not empty.
double median(std::vector<double> values);

}  // namespace linformer
