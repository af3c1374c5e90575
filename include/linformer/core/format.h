#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// "1,234,567"
std::string format_count(int64_t value);
/// "1 run", "1,234 runs": a count of things, whose plural ends in s.
std::string format_count(int64_t value, std::string_view thing);
/// "1.5 GiB", "312 KiB", "17 B"
std::string format_bytes(double bytes);
/// "2d 03h 04m", "1h 02m 03s", "4m 05s", "6.1s"
std::string format_duration(double seconds);
/// printf's "%.*g" with `digits` significant digits.
std::string format_number(double value, int digits = 4);
/// printf's "%.*f".
std::string format_fixed(double value, int decimals);

/// The parts of a list that people write with commas: "a, [1,2]" gives "a" and "[1,2]". Blanks
/// around a part, and empty parts, are left out.
std::vector<std::string> comma_separated(std::string_view text);

/// Levenshtein distance; used to suggest the nearest known name.
size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate nearest to `name`, or "" if none is within a third of its length (at least 2).
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

/// A table for people: columns padded to their widest cell, numbers aligned to the right, a rule
/// under the header.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace linformer
