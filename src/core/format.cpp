#include "linformer/core/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace linformer {

namespace {

template <class... Arguments>
std::string print(const char* format, Arguments... arguments) {
  const int size = std::snprintf(nullptr, 0, format, arguments...);
  std::string text(static_cast<size_t>(std::max(size, 0)), '\0');
  // snprintf writes a final zero over the one that std::string keeps at data()[size()].
  std::snprintf(text.data(), text.size() + 1, format, arguments...);
  return text;
}

/// Counts characters, not bytes: continuation bytes of UTF-8 take no column.
size_t display_width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool looks_like_number(std::string_view cell) {
  if (cell.empty() || cell == "-" || cell == "nan" || cell == "inf" || cell == "-inf") return true;
  size_t i = cell[0] == '+' || cell[0] == '-' ? 1 : 0;
  if (i < cell.size() && cell[i] == '.') ++i;
  return i < cell.size() && cell[i] >= '0' && cell[i] <= '9';
}

}  // namespace

std::string format_count(int64_t value) {
  const std::string digits = std::to_string(value);
  const size_t first_digit = value < 0 ? 1 : 0;
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > first_digit && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string format_count(int64_t value, std::string_view thing) {
  return format_count(value) + " " + std::string(thing) + (value == 1 ? "" : "s");
}

std::string format_bytes(double bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (!std::isfinite(bytes)) return "?";
  if (bytes < 0) return std::string("-").append(format_bytes(-bytes));
  size_t unit = 0;
  // 1023.5 would print as 1024 of the smaller unit.
  while (bytes >= 1023.5 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  const int decimals = unit == 0 || bytes >= 99.95 ? 0 : 1;
  return format_fixed(bytes, decimals) + " " + kUnits[unit];
}

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 0) return std::string("-").append(format_duration(-seconds));
  if (seconds < 59.95) return format_fixed(seconds, 1) + "s";
  const auto whole = static_cast<long long>(std::llround(seconds));
  const long long days = whole / 86400;
  const long long hours = whole / 3600 % 24;
  const long long minutes = whole / 60 % 60;
  if (days > 0) return print("%lldd %02lldh %02lldm", days, hours, minutes);
  if (hours > 0) return print("%lldh %02lldm %02llds", hours, minutes, whole % 60);
  return print("%lldm %02llds", minutes, whole % 60);
}

std::string format_number(double value, int digits) {
  return print("%.*g", digits, value);
}

std::string format_fixed(double value, int decimals) {
  return print("%.*f", decimals, value);
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, replaced});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::vector<std::string> comma_separated(std::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c == ',' && depth <= 0) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  for (std::string& part : parts) {
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
  }
  std::erase(parts, "");
  return parts;
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  const size_t limit = std::max<size_t>(2, name.size() / 3);
  std::string nearest;
  size_t nearest_distance = limit + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(name, candidate);
    // A name without a common letter ("k" for "n") is not a useful suggestion.
    if (distance >= std::max(name.size(), candidate.size())) continue;
    if (distance < nearest_distance) {
      nearest = candidate;
      nearest_distance = distance;
    }
  }
  return nearest;
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  size_t num_columns = 0;
  for (const auto& row : rows) num_columns = std::max(num_columns, row.size());
  std::vector<size_t> widths(num_columns, 0);
  std::vector<bool> right(num_columns, rows.size() > 1);
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < rows[r].size(); ++c) {
      widths[c] = std::max(widths[c], display_width(rows[r][c]));
      if (r > 0 && !looks_like_number(rows[r][c])) right[c] = false;
    }
  }
  std::string table;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < num_columns; ++c) {
      const std::string cell = c < rows[r].size() ? rows[r][c] : "";
      const std::string gap(widths[c] - display_width(cell), ' ');
      if (c > 0) line += "  ";
      line += right[c] ? gap + cell : cell + gap;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    table += line + "\n";
    if (r > 0) continue;
    for (size_t c = 0; c < num_columns; ++c)
      table += (c > 0 ? "  " : "") + std::string(widths[c], '-');
    table += "\n";
  }
  return table;
}

}  // namespace linformer
