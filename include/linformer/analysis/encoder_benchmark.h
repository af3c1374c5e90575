#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <c10/core/Device.h>

#include "linformer/config/model_config.h"

namespace linformer {

struct EncoderBenchmarkOptions {
  int64_t hidden_size = 768;
  int64_t num_attention_heads = 12;
  int64_t num_hidden_layers = 12;
  std::vector<int64_t> lengths{512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};  ///< n, ascending
  std::vector<int64_t> projected_lengths{128, 256, 512, 1024, 2048};               ///< k, ascending
  int64_t num_tokens = 65536;         ///< a batch: num_tokens / n sequences, at least one
  int64_t num_repeats = 3;            ///< measured passes, after one warm-up
  double max_seconds = 300.0;         ///< a pass for which more is predicted is left out
  int64_t max_bytes = 4LL << 30;      ///< what a pass and its weights may need
  int64_t memory_bytes = 16LL << 30;  ///< of the device for which the largest batch is computed
  c10::Device device = c10::kCPU;
};

enum class EncoderCellStatus {
  kMeasured,
  kTooSlow,   ///< more than max_seconds are predicted for a pass
  kTooLarge,  ///< not even one sequence fits into max_bytes
};

/// The peak memory of a forward pass, weights included: fixed + per_sequence * batch size.
struct ForwardMemory {
  int64_t fixed = 0;
  int64_t per_sequence = 0;
};

/// One encoder at one length n.
struct EncoderCell {
  std::string variant;  ///< standard, standard_unfused or linformer
  int64_t n = 0;
  std::optional<int64_t> k;  ///< of a Linformer
  int64_t batch_size = 0;
  int64_t sequences_at_a_time = 0;  ///< fewer than batch_size if the timed batch runs in parts
  EncoderCellStatus status = EncoderCellStatus::kMeasured;
  std::vector<double> seconds;  ///< of a batch; empty unless measured
  std::optional<double> predicted_seconds;
  std::optional<ForwardMemory> memory;   ///< empty if no pass was possible
  std::optional<int64_t> peak_bytes;     ///< measured at the timed batch, weights included
  std::optional<int64_t> largest_batch;  ///< in memory_bytes; 0 = not even one sequence
  double flops_per_token = 0.0;          ///< of a forward pass (nn/model_cost.h)
  std::optional<double> time_saved_vs_unfused, time_saved_vs_fused;      ///< ratios of medians
  std::optional<double> memory_saved_vs_unfused, memory_saved_vs_fused;  ///< of largest batches
  std::optional<double> flop_bound;  ///< FLOPs of standard attention / FLOPs; of a Linformer
};

/// Times a full forward pass of whole encoders over lengths n, and computes how many sequences fit
/// into memory, as in section 5.3 of the paper (Figure 2, Table 3; arXiv 2006.04768). An encoder is
/// the embeddings and all layers, without a head, gradients and dropout, on random token ids
/// without padding; its feed-forward width is 4 x hidden_size. At each n:
///
///   standard          scores, softmax and mixing in LibTorch's fused kernel
///   standard_unfused  the same weights, with scores and probabilities (n x n numbers per head
///   each)
///                     written into memory by three operations, as in 2020: the paper's baseline
///   linformer         layerwise sharing, one for each k < n, with the fused kernel
///
/// Nothing else differs: matrix products, norms and GELU are this library's in all of them.
///
/// Time: all variants take turns within one repeat, so that a noisy machine hits all alike. A batch
/// that needs more than max_bytes runs in equal parts. The prediction for a pass scales the time of
/// the length before by FLOPs.
///
/// Memory: the peak of all tensors (kernels/tensor_memory.h) is measured at one and at two
/// sequences. The straight line through both gives the largest batch, so that memory_bytes need not
/// exist. If two sequences do not fit into max_bytes, the line goes through the weights and one
/// sequence. `peak_bytes` of the timed batch shows how well the line fits.
///
/// Logs a line for each n. Returns an empty list after a stop signal. Throws UsageError for an
/// impossible model.
std::vector<EncoderCell> benchmark_encoder(const EncoderBenchmarkOptions& options);

/// Peak bytes of the tensors of a forward pass of `num_sequences`, weights included, for tests:
/// what benchmark_encoder() measures at one and two sequences.
int64_t measure_forward_bytes(const ModelConfig& config, bool unfused, int64_t num_sequences);

}  // namespace linformer
