#include "linformer/nn/model_cost.h"

#include <algorithm>

namespace linformer {

ParameterCounts count_parameters(const ModelConfig& config) {
  const int64_t width = config.hidden_size;
  const int64_t wide = config.intermediate_size;
  const int64_t norm = 2 * width;
  const AttentionConfig& attention = config.attention;
  ParameterCounts counts;
  counts.embeddings = config.vocab_size * width + config.num_position_rows() * width + norm;
  const int64_t layer = 4 * (width * width + width) + (width * wide + wide) +
                        (wide * width + width) + 2 * norm + attention.value_convolution * width;
  counts.layers = config.num_hidden_layers * layer;
  if (config.norm_position == NormPosition::kPre) counts.layers += norm;
  if (attention.type == AttentionType::kLinformer) {
    const int64_t matrix = attention.projected_length * config.max_sequence_length;
    int64_t matrices = 0;
    switch (attention.sharing) {
      case SharingMode::kNone:
        matrices = 2 * config.num_attention_heads * config.num_hidden_layers;
        break;
      case SharingMode::kHeadwise:
        matrices = 2 * config.num_hidden_layers;
        break;
      case SharingMode::kKeyValue:
        matrices = config.num_hidden_layers;
        break;
      case SharingMode::kLayerwise:
        matrices = 1;
        break;
    }
    counts.projections = matrices * matrix;
  }
  counts.head = width * width + width + norm + config.vocab_size;
  if (!config.tie_word_embeddings) counts.head += config.vocab_size * width;
  return counts;
}

double needed_flop_per_token(const ModelConfig& config, double mlm_probability) {
  const auto d = static_cast<double>(config.hidden_size);
  const auto n = static_cast<double>(config.max_sequence_length);
  const auto k = static_cast<double>(config.attention.projected_length);
  const double feed_forward = 2 * d * static_cast<double>(config.intermediate_size);
  const double attention = config.attention.type == AttentionType::kLinformer
                               ? 2 * d * d + 2 * d * d * k / n + 4 * k * d
                               : 4 * d * d + 2 * n * d;
  const double head = mlm_probability * (d * d + d * static_cast<double>(config.vocab_size));
  return 6.0 * (static_cast<double>(config.num_hidden_layers) * (attention + feed_forward) + head);
}

MemoryEstimate estimate_memory(const ModelConfig& config, int64_t micro_batch_size,
                               double mlm_probability) {
  constexpr int64_t kFloatBytes = 4;
  constexpr int64_t kLargestLogitPiece = 64 << 20;
  const int64_t numbers = count_parameters(config).total();
  const int64_t rows = micro_batch_size * config.max_sequence_length;
  const int64_t width = config.hidden_size;
  const int64_t keys = config.attention.type == AttentionType::kLinformer
                           ? config.attention.projected_length * micro_batch_size
                           : rows;
  // Kept per layer: query, heads, the input; two residual sums and norms; before and after GELU.
  const int64_t per_layer = rows * (7 * width + 2 * config.intermediate_size) + 4 * keys * width;
  MemoryEstimate memory;
  memory.parameters = numbers * kFloatBytes;
  memory.gradients = numbers * kFloatBytes;
  memory.optimizer = 2 * numbers * kFloatBytes;
  memory.activations = (config.num_hidden_layers * per_layer + 4 * rows * width) * kFloatBytes;
  const auto masked = static_cast<int64_t>(static_cast<double>(rows) * mlm_probability) + 1;
  memory.logits = std::min(masked * config.vocab_size * kFloatBytes, kLargestLogitPiece);
  return memory;
}

}  // namespace linformer
