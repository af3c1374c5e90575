#include "rules.h"

#include <cmath>
#include <cstdlib>

#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {

void require_text(const std::string& key, const std::string& value, const std::string& example) {
  if (value.empty()) fail_usage(key, "is not set", "set it, e.g. " + key + ": " + example);
}

void require_range(const std::string& key, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  fail_usage(key, std::to_string(value) + " is " + (value < low ? "too small" : "too large"),
             "give a whole number from " + std::to_string(low) + " to " + std::to_string(high));
}

void require_share(const std::string& key, double value) {
  if (value >= 0.0 && value < 1.0) return;
  fail_usage(key, format_number(value) + " is not a share", "give a number in [0, 1), e.g. 0.1");
}

void require_positive(const std::string& key, double value) {
  if (value > 0.0 && std::isfinite(value)) return;
  fail_usage(key, format_number(value) + " is not above 0", "give a positive number");
}

void require_not_negative(const std::string& key, double value) {
  if (value >= 0.0 && std::isfinite(value)) return;
  fail_usage(key, format_number(value) + " is negative", "give 0 or a positive number");
}

int64_t nearest_divisor(int64_t size, int64_t wanted) {
  int64_t best = 1;
  for (int64_t candidate = 1; candidate <= size; ++candidate) {
    if (size % candidate == 0 && std::abs(candidate - wanted) < std::abs(best - wanted)) {
      best = candidate;
    }
  }
  return best;
}

}  // namespace linformer
