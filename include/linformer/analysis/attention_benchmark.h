#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linformer/config/model_config.h"

namespace linformer {

struct AttentionBenchmarkOptions {
  int64_t hidden_size = 256;
  int64_t num_attention_heads = 4;
  int64_t projected_length = 128;
  int64_t attention_window = 256;
  std::vector<int64_t> lengths{512, 1024, 2048, 4096};  ///< n
  int64_t num_tokens = 8192;      ///< a batch: num_tokens / n sequences, at least one
  int64_t num_repeats = 5;        ///< measured, after one warm-up
  int64_t max_bytes = 4LL << 30;  ///< an attention that would need more is left out
};

/// One attention layer at one length.
struct AttentionMeasurement {
  std::string variant;
  int64_t n = 0;
  int64_t batch_size = 0;
  bool measured = false;  ///< false: more than max_bytes, or impossible at this n
  std::vector<double> forward_seconds;
  std::vector<double> training_seconds;  ///< forward and backward
  int64_t forward_bytes = 0;             ///< peak of tensors beside weights and input
  int64_t training_bytes = 0;
};

/// Times one attention layer (matrices of query, key, value; no dropout, no output matrix) of every
/// kind over lengths n, with a fixed number of tokens a batch:
///
///   standard          LibTorch's fused kernel
///   standard_unfused  the n x n matrices written out, as in 2020 (the paper's baseline)
///   local_window, and Linformers: headwise, key_value, none (one E a head), mean_pool, max_pool,
///   conv, value_convolution (headwise with width 5)
///
/// At each n all variants take turns within one repeat, so that a noisy machine hits all alike.
std::vector<AttentionMeasurement> benchmark_attention(const AttentionBenchmarkOptions& options);

}  // namespace linformer
