#include "linformer/config/model_config.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "rules.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

// Far above any real model, low enough that products of two of them fit 64 bits.
constexpr int64_t kLargestSize = int64_t{1} << 24;

/// The divisor of `size` nearest to `wanted`, for the suggested fix.
int64_t nearest_divisor(int64_t size, int64_t wanted) {
  int64_t best = 1;
  for (int64_t candidate = 1; candidate <= size; ++candidate) {
    if (size % candidate == 0 && std::abs(candidate - wanted) < std::abs(best - wanted)) {
      best = candidate;
    }
  }
  return best;
}

void validate_attention(const AttentionConfig& attention, int64_t max_sequence_length) {
  const int64_t width = attention.value_convolution;
  require_range("model.attention.value_convolution", width, 0, max_sequence_length);
  if (width > 0 && width % 2 == 0) {
    fail_usage("model.attention.value_convolution", std::to_string(width) + " is even",
               "give an odd width, so that it is centred on its token, e.g. " +
                   std::to_string(width + 1) + "; 0 = none");
  }
  if (attention.type == AttentionType::kStandard) return;
  const int64_t k = attention.projected_length;
  require_range("model.attention.projected_length", k, 1, kLargestSize);
  if (k > max_sequence_length) {
    fail_usage("model.attention.projected_length",
               "k = " + std::to_string(k) +
                   " exceeds max_sequence_length n = " + std::to_string(max_sequence_length),
               "choose k <= n, e.g. n / 4 = " +
                   std::to_string(std::max<int64_t>(1, max_sequence_length / 4)));
  }
}

}  // namespace

double ModelConfig::resolved_initializer_range() const {
  return initializer_range.value_or(0.9 / std::sqrt(static_cast<double>(hidden_size)));
}

void ModelConfig::validate() const {
  require_range("model.vocab_size", vocab_size, 0, kLargestSize);
  if (vocab_size > 0 && vocab_size < 6) {
    fail_usage("model.vocab_size", std::to_string(vocab_size) + " leaves no room for text",
               "give at least 6: the five special tokens and one more, or 0 = the tokenizer's");
  }
  require_range("model.hidden_size", hidden_size, 1, kLargestSize);
  require_range("model.num_hidden_layers", num_hidden_layers, 1, 100000);
  require_range("model.num_attention_heads", num_attention_heads, 1, kLargestSize);
  if (hidden_size % num_attention_heads != 0) {
    fail_usage("model.num_attention_heads",
               std::to_string(num_attention_heads) + " heads do not divide hidden_size " +
                   std::to_string(hidden_size),
               "choose a divisor, e.g. " +
                   std::to_string(nearest_divisor(hidden_size, num_attention_heads)));
  }
  require_range("model.intermediate_size", intermediate_size, 1, kLargestSize);
  require_share("model.hidden_dropout_prob", hidden_dropout_prob);
  require_share("model.attention_probs_dropout_prob", attention_probs_dropout_prob);
  require_range("model.max_sequence_length", max_sequence_length, 3, kLargestSize);
  require_positive("model.layer_norm_eps", layer_norm_eps);
  if (initializer_range) require_positive("model.initializer_range", *initializer_range);
  validate_attention(attention, max_sequence_length);
}

}  // namespace linformer
