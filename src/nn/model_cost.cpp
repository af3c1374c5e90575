#include "linformer/nn/model_cost.h"

#include <algorithm>
#include <cmath>

#include "linformer/config/attention_rules.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/memory_size.h"

namespace linformer {

namespace {

const AttentionRules& rules_of(const ModelConfig& config, int64_t layer) {
  return attention_rules(config.attention_type(layer));
}

}  // namespace

ParameterCounts count_parameters(const ModelConfig& config) {
  const int64_t width = config.hidden_size;
  const int64_t wide = config.intermediate_size;
  const int64_t norm = config.norm_type == NormType::kLayerNorm ? 2 * width : width;
  ParameterCounts counts;
  counts.embeddings =
      (config.vocab_size + config.num_position_rows() + config.type_vocab_size) * width + norm;
  const int64_t widenings = config.is_gated() ? 2 : 1;
  const int64_t layer = 4 * (width * width + width) + widenings * (width * wide + wide) +
                        (wide * width + width) + 2 * norm +
                        config.attention.value_convolution * width;
  counts.layers = config.num_hidden_layers * layer;
  if (config.norm_position == NormPosition::kPre) counts.layers += norm;
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    counts.projections += rules_of(config, i).num_parameters(config, i);
  }
  counts.head = width * width + width + norm + config.vocab_size;
  if (!config.tie_word_embeddings) counts.head += config.vocab_size * width;
  return counts;
}

double encoder_flops_per_token(const ModelConfig& config, double output_share) {
  const auto d = static_cast<double>(config.hidden_size);
  const double widenings = config.is_gated() ? 2 : 1;
  const double feed_forward = (widenings + 1) * d * static_cast<double>(config.intermediate_size);
  double layers = 0.0;
  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const AttentionCost attention = rules_of(config, layer).multiply_adds(config, layer);
    const double share = layer + 1 == config.num_hidden_layers ? output_share : 1.0;
    layers += attention.keys + share * (attention.queries + feed_forward);
  }
  return 2.0 * layers;
}

double model_flops_per_token(const ModelConfig& config, double mlm_probability) {
  const auto d = static_cast<double>(config.hidden_size);
  const double head = d * d + d * static_cast<double>(config.vocab_size);
  return 3.0 * (encoder_flops_per_token(config, mlm_probability) + 2.0 * mlm_probability * head);
}

MemoryEstimate estimate_memory(const ModelConfig& config, int64_t micro_batch_size,
                               double mlm_probability) {
  constexpr int64_t kFloatBytes = 4;
  constexpr double kLargestLogitPiece = 64 << 20;
  const ParameterCounts counts = count_parameters(config);
  const int64_t numbers = counts.total();
  const int64_t trained =
      config.attention.train_projection ? numbers : numbers - counts.projections;
  const int64_t rows = micro_batch_size * config.max_sequence_length;
  const int64_t width = config.hidden_size;
  // Kept per layer: query, heads, the input; two residual sums and norms; before and after the
  // activation; keys and values.
  const int64_t wide = config.intermediate_size * (config.is_gated() ? 4 : 2);
  double kept = 0.0;
  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const int64_t keys = rules_of(config, layer).num_keys(config, layer) * micro_batch_size;
    kept += static_cast<double>(rows) * static_cast<double>(7 * width + wide) +
            4.0 * static_cast<double>(keys) * static_cast<double>(width);
  }
  kept += 4.0 * static_cast<double>(rows) * static_cast<double>(width);
  MemoryEstimate memory;
  memory.parameters = numbers * kFloatBytes;
  memory.gradients = trained * kFloatBytes;
  memory.optimizer = 2 * trained * kFloatBytes;
  constexpr double kMost = 1e18;  // more than any machine has; the sum still fits into 64 bits
  memory.activations = static_cast<int64_t>(std::min(kMost, kept * kFloatBytes));
  const double masked = std::floor(static_cast<double>(rows) * mlm_probability) + 1.0;
  memory.logits = static_cast<int64_t>(
      std::min(masked * static_cast<double>(config.vocab_size * kFloatBytes), kLargestLogitPiece));
  return memory;
}

void check_memory(const ModelConfig& config, double bytes_each, int64_t num_sequences) {
  const ParameterCounts counts = count_parameters(config);
  const double state = kWeightBytes * static_cast<double>(num_sequences) *
                       static_cast<double>(config.max_sequence_length * config.hidden_size);
  const double needed = bytes_each * static_cast<double>(counts.total()) + state;
  const double free = available_memory_bytes();
  if (needed <= free) return;
  fail_usage("model",
             format_count(counts.total()) + " parameters take " + format_bytes(needed) +
                 (bytes_each > kWeightBytes ? " with their gradients and moments" : "") +
                 (num_sequences > 0 ? " and " + format_count(num_sequences) + " sequences at a time"
                                    : "") +
                 ", and " + format_bytes(free) + " are free",
             state > 0.5 * needed
                 ? "choose a smaller training.micro_batch_size, or free memory"
                 : "choose fewer or narrower layers or a smaller vocabulary, or free memory");
}

}  // namespace linformer
