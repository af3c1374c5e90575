#pragma once

#include <cstdint>

#include "linformer/config/model_config.h"

namespace linformer {

/// Parameters of a model without building it, and where they are.
struct ParameterCounts {
  int64_t embeddings = 0;   ///< words, positions and their norm
  int64_t layers = 0;       ///< all encoder layers, without E and F
  int64_t projections = 0;  ///< E and F
  int64_t head = 0;         ///< masked-LM head, without a tied output matrix
  int64_t total() const { return embeddings + layers + projections + head; }
};
ParameterCounts count_parameters(const ModelConfig& config);

/// Arithmetic that a training step cannot do without, in FLOP a token: forward pass times 3,
///
///   3 * 2 * [ L (10 d^2 + 2 d^2 k/n + 4 k d) + p (d^2 + d V) ]      Linformer
///   3 * 2 * [ L (12 d^2 + 2 n d)             + p (d^2 + d V) ]      standard
///
/// with L layers, width d, feed-forward 4 d (else its true width), vocabulary V and the share p of
/// positions that go through the head. Element-wise work is not counted.
double needed_flop_per_token(const ModelConfig& config, double mlm_probability);

/// Bytes a training step needs, by component (fp32, AdamW).
struct MemoryEstimate {
  int64_t parameters = 0;
  int64_t gradients = 0;
  int64_t optimizer = 0;
  int64_t activations = 0;  ///< kept for the backward pass, one micro-batch of full length
  int64_t logits = 0;       ///< the piece of the head that exists at one time
  int64_t total() const { return parameters + gradients + optimizer + activations + logits; }
};
MemoryEstimate estimate_memory(const ModelConfig& config, int64_t micro_batch_size,
                               double mlm_probability);

/// What a number of a model in fp32 takes while it is trained: itself, its gradient, two moments.
inline constexpr double kTrainingBytes = 16.0;
inline constexpr double kWeightBytes = 4.0;

/// Refuses a model whose numbers, of `bytes_each`, do not fit the memory that is free, together
/// with one hidden state of `num_sequences` rows of full length, the least that a micro-batch
/// takes; before it is built, since that takes minutes and may end other programs. Throws
/// UsageError. Memory of other devices than CPUs is their library's matter.
void check_memory(const ModelConfig& config, double bytes_each, int64_t num_sequences = 0);

}  // namespace linformer
