#include "linformer/text/json_repair.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "linformer/core/utf8.h"

namespace linformer {

namespace {

constexpr size_t kEscapeBytes = 6;  // as \uD83D

/// The 16-bit code of an escape at the front.
std::optional<uint32_t> escaped_unit(std::string_view text) {
  if (text.size() < kEscapeBytes || !text.starts_with("\\u")) return std::nullopt;
  uint32_t unit = 0;
  const char* end = text.data() + kEscapeBytes;
  const auto parsed = std::from_chars(text.data() + 2, end, unit, 16);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(unit) : std::nullopt;
}

bool is_high_surrogate(uint32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}

bool is_low_surrogate(uint32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

/// Copies JSON whose UTF-8 is well formed.
class JsonRepair {
 public:
  JsonRepair(std::string_view json, std::string& out) : rest_(json), out_(out) {}

  size_t run() {
    bool in_string = false;
    while (!rest_.empty()) {
      copy(rest_.find_first_of(in_string ? "\"\\" : "\"NI-"));
      if (rest_.empty()) break;
      if (in_string && rest_[0] == '\\') {
        copy_escape();
      } else if (!in_string && replace_number()) {
        continue;
      } else {
        if (rest_[0] == '"') in_string = !in_string;
        copy(1);
      }
    }
    return num_replaced_;
  }

 private:
  /// The whole rest, if that is shorter.
  void copy(size_t length) {
    out_ += rest_.substr(0, length);
    rest_.remove_prefix(std::min(length, rest_.size()));
  }

  void copy_escape() {
    const std::optional<uint32_t> unit = escaped_unit(rest_);
    if (!unit) return copy(2);
    if (is_high_surrogate(*unit)) {
      const auto second = escaped_unit(rest_.substr(kEscapeBytes));
      if (second && is_low_surrogate(*second)) return copy(2 * kEscapeBytes);
    } else if (!is_low_surrogate(*unit)) {
      return copy(kEscapeBytes);
    }
    out_ += "\\uFFFD";
    rest_.remove_prefix(kEscapeBytes);
    ++num_replaced_;
  }

  bool replace_number() {
    for (const std::string_view number : {"NaN", "Infinity", "-Infinity"}) {
      if (!rest_.starts_with(number)) continue;
      out_ += "null";
      rest_.remove_prefix(number.size());
      return true;
    }
    return false;
  }

  std::string_view rest_;
  std::string& out_;
  size_t num_replaced_ = 0;
};

}  // namespace

size_t append_repaired_json(std::string_view json, std::string& out) {
  std::string repaired;
  const size_t num_replaced = append_repaired_utf8(json, repaired);
  const auto holds = [&](const char* what) { return repaired.find(what) != repaired.npos; };
  if (!holds("\\u") && !holds("NaN") && !holds("Infinity")) {
    out += repaired;
    return num_replaced;
  }
  return num_replaced + JsonRepair(repaired, out).run();
}

}  // namespace linformer
