#pragma once

#include <cstdint>
#include <string>

#include "linformer/config/one_or_many.h"
#include "linformer/core/error.h"

namespace linformer {

// These limits are far above any real model and low enough for 64-bit arithmetic: every count of a
// model stays below 2^58.
inline constexpr int64_t kLargestSize = int64_t{1} << 24;  // of vocabulary and lengths

/// Throws UsageError if `value` is empty; `example` is a valid value for the message.
void require_text(const std::string& key, const std::string& value, const std::string& example);

/// Throws UsageError unless low <= value <= high.
void require_range(const std::string& key, int64_t value, int64_t low, int64_t high);

/// Throws UsageError unless 0 <= value < 1.
void require_share(const std::string& key, double value);

/// Throws UsageError unless value > 0.
void require_positive(const std::string& key, double value);

/// Throws UsageError unless value >= 0.
void require_not_negative(const std::string& key, double value);

/// The divisor of `size` nearest to `wanted`, for the suggested fix.
int64_t nearest_divisor(int64_t size, int64_t wanted);

/// Throws UsageError for a list that has not one value for each of `count` (" layers", " heads").
template <class T>
void require_one_each(const std::string& key, const OneOrMany<T>& value, int64_t count,
                      const std::string& what) {
  const auto given = static_cast<int64_t>(value.values().size());
  if (!value.is_list() || given == count) return;
  fail_usage(key, "a list of " + std::to_string(given) + " for " + std::to_string(count) + what,
             "give one value for all, or one for each");
}

}  // namespace linformer
