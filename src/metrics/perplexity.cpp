#include "linformer/metrics/perplexity.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace linformer {

double NllTotals::mean() const {
  if (masked_tokens <= 0) return std::numeric_limits<double>::quiet_NaN();
  return nll_sum / static_cast<double>(masked_tokens);
}

double NllTotals::perplexity() const {
  return std::exp(mean());
}

double bits_per_byte(const NllTotals& totals, int64_t num_tokens, int64_t text_bytes) {
  if (num_tokens <= 0 || text_bytes <= 0) return std::numeric_limits<double>::quiet_NaN();
  const double tokens_per_byte = static_cast<double>(num_tokens) / static_cast<double>(text_bytes);
  return totals.mean() / std::numbers::ln2 * tokens_per_byte;
}

}  // namespace linformer
