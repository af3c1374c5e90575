#pragma once

#include <cstdint>
#include <string>

namespace linformer {

/// Throws UsageError if `value` is empty; `example` is one that is not.
void require_text(const std::string& key, const std::string& value, const std::string& example);

/// Throws UsageError unless low <= value <= high.
void require_range(const std::string& key, int64_t value, int64_t low, int64_t high);

/// Throws UsageError unless 0 <= value < 1.
void require_share(const std::string& key, double value);

/// Throws UsageError unless value > 0.
void require_positive(const std::string& key, double value);

/// Throws UsageError unless value >= 0.
void require_not_negative(const std::string& key, double value);

}  // namespace linformer
