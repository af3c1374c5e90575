#pragma once

#include <cstdint>

namespace linformer {

/// Sum of negative log-likelihoods (nats) over predicted tokens. Totals of micro-batches, processes
/// or files are added; the division happens only at the end.
struct NllTotals {
  double nll_sum = 0.0;
  int64_t masked_tokens = 0;

  void add(double more_nll, int64_t more_tokens) {
    nll_sum += more_nll;
    masked_tokens += more_tokens;
  }
  void add(const NllTotals& other) { add(other.nll_sum, other.masked_tokens); }

  /// nll_sum / masked_tokens, in nats; NaN without tokens.
  double mean() const;
  /// exp(nll_sum / masked_tokens); NaN without tokens. Never a mean of perplexities.
  double perplexity() const;

  bool operator==(const NllTotals&) const = default;
};

/// Bits that the model needs per byte of text: the mean nll of a token in bits, times the tokens
/// per byte. It compares models with different tokenizers. `num_tokens` tokens (without special
/// ones) encode `text_bytes` bytes. NaN without tokens or bytes.
double bits_per_byte(const NllTotals& totals, int64_t num_tokens, int64_t text_bytes);

}  // namespace linformer
