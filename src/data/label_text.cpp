#include "linformer/data/label_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "linformer/core/format.h"
#include "linformer/core/utf8.h"

namespace linformer {

namespace {

constexpr std::string_view kAround = " \t\r\n";

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// Drops the sign + of a number, which std::from_chars does not accept.
std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
}

/// "1", "+1", "1.0" and "01" become one text, "US" and "us" another one.
std::string meaning_of(const std::string& label) {
  const std::optional<double> number = number_in(label);
  return number ? format_number(*number + 0.0, 17) : lower_case(label);  // -0 is 0
}

/// Length of the control character at the front of valid UTF-8 (C0, DEL, C1), or 0.
size_t control_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7F) return 1;
  return first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0 ? 2 : 0;
}

}  // namespace

std::string_view trimmed_label(std::string_view written) {
  const size_t first = written.find_first_not_of(kAround);
  if (first == written.npos) return {};
  return written.substr(first, written.find_last_not_of(kAround) - first + 1);
}

std::string name_problem(std::string_view name) {
  if (valid_utf8_prefix(name) != name.size()) return "is not UTF-8";
  if (name.find_first_of("\t\r\n") != name.npos) return "holds a tab or a line end";
  for (; !name.empty(); name.remove_prefix(utf8_character_length(name))) {
    if (control_length(name) > 0) return "holds a control character";
  }
  return "";
}

std::string label_problem(std::string_view label) {
  const std::string problem = name_problem(label);
  return problem.empty() ? "" : "the label " + quoted_text(label) + " " + problem;
}

std::string quoted_text(std::string_view text) {
  std::string quoted = "'";
  while (!text.empty()) {
    const size_t length = utf8_character_length(text);
    const size_t escaped = length == 0 ? 1 : control_length(text);
    if (escaped == 0) quoted += text.substr(0, length);
    for (const char byte : text.substr(0, escaped)) {
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\x%02X", static_cast<unsigned char>(byte));
      quoted += escape.data();
    }
    text.remove_prefix(std::max(length, escaped));
  }
  return quoted + "'";
}

std::optional<double> number_in(std::string_view text) {
  const std::string digits(without_plus(text));
  const char* const end = digits.data() + digits.size();
  double value = 0.0;
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::strtod(digits.c_str(), nullptr);
  if (!std::isfinite(value)) return std::nullopt;  // the words inf and nan
  return value;
}

std::optional<int64_t> whole_number_in(std::string_view text) {
  const std::string_view digits = without_plus(text);
  const char* const end = digits.data() + digits.size();
  int64_t value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::vector<std::string> label_remarks(const std::vector<std::string>& labels) {
  std::vector<std::string> remarks;
  std::map<std::string, std::string> first_of;
  for (const std::string& label : labels) {
    const auto [first, is_new] = first_of.emplace(meaning_of(label), label);
    if (is_new) continue;
    const bool by_case = lower_case(first->second) == lower_case(label);
    remarks.push_back("the labels " + quoted_text(first->second) + " and " + quoted_text(label) +
                      (by_case ? " differ by case alone" : " are the same number") +
                      "; they are learned as two classes");
  }
  return remarks;
}

}  // namespace linformer
