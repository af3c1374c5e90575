#pragma once

#include <cstdint>
#include <string>

#include "linformer/config/config_file.h"
#include "linformer/config/one_or_many.h"
#include "linformer/core/error.h"

namespace linformer {

/// Throws UsageError if `value` is empty; `example` is a valid value for the message.
void require_text(const std::string& key, const std::string& value, const std::string& example);

/// Throws UsageError unless the value is in a range that follows from other keys. A range that is
/// always the same stands where the key is declared.
void require_in(const WholeRange& range, const std::string& key, int64_t value);

/// check_ranges() of a whole config.
template <class C>
void require_ranges(const C& config, const std::string& prefix) {
  C copy = config;
  check_ranges(fields_of(copy), prefix);
}

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
