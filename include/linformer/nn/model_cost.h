#pragma once

#include <cstdint>

#include "linformer/config/model_config.h"

namespace linformer {

/// Parameter counts of a model by component, without building it.
struct ParameterCounts {
  int64_t embeddings = 0;   ///< words, positions and their norm
  int64_t layers = 0;       ///< all encoder layers, without E and F
  int64_t projections = 0;  ///< E and F
  int64_t head = 0;         ///< masked-LM head, without a tied output matrix
  int64_t total() const { return embeddings + layers + projections + head; }
};
ParameterCounts count_parameters(const ModelConfig& config);

/// FLOPs per token of the encoder's forward pass: 2 (L - 1 + p) a + 2 L b, with
///
///   a = 10 d^2 + 2 k d,   b = 2 d^2 k/n + 2 k d       Linformer
///   a = 10 d^2 + 2 n d,   b = 2 d^2                   standard
///
/// for L layers, width d and feed-forward width 4 d (else its true width). a is what the positions
/// with an output cost, b the keys and values; `output_share` is p, the share of positions whose
/// output is wanted (Encoder::forward_rows). Element-wise operations are not counted.
double encoder_flops_per_token(const ModelConfig& config, double output_share = 1.0);

/// FLOPs per token that a training step of masked LM needs: three times those of the forward pass.
/// The share p of positions goes through the last layer and the head, 2 p (d^2 + d V) with
/// vocabulary V.
double model_flops_per_token(const ModelConfig& config, double mlm_probability);

/// Bytes that a training step needs, by component (fp32, AdamW).
struct MemoryEstimate {
  int64_t parameters = 0;
  int64_t gradients = 0;
  int64_t optimizer = 0;
  int64_t activations = 0;  ///< kept for the backward pass, one micro-batch of full length
  int64_t logits = 0;       ///< the part of the logits that is in memory at one time
  int64_t total() const { return parameters + gradients + optimizer + activations + logits; }
};
MemoryEstimate estimate_memory(const ModelConfig& config, int64_t micro_batch_size,
                               double mlm_probability);

/// Bytes per parameter in fp32 training: the parameter, its gradient and two moments.
inline constexpr double kTrainingBytes = 16.0;
inline constexpr double kWeightBytes = 4.0;

/// Refuses a model that does not fit into the free memory, before it is built: building takes
/// minutes, and a lack of memory may end other programs. Counted are `bytes_each` for every
/// parameter and one hidden state of `num_sequences` rows of full length, the least that a
/// micro-batch needs. Throws UsageError. Only the CPU's memory is checked; other devices report a
/// lack of memory themselves.
void check_memory(const ModelConfig& config, double bytes_each, int64_t num_sequences = 0);

}  // namespace linformer
