#include "linformer/data/label_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <map>

#include "linformer/core/format.h"
#include "linformer/text/utf8.h"

namespace linformer {

namespace {

constexpr std::string_view kAround = " \t\r\n";

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// "1", "1.0" and "01" give one text, "US" and "us" another one.
std::string meaning_of(const std::string& label) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
  const bool number = error == std::errc() && end == label.data() + label.size();
  return number ? format_number(value, 17) : lower_case(label);
}

}  // namespace

std::string_view trimmed_label(std::string_view written) {
  const size_t first = written.find_first_not_of(kAround);
  if (first == written.npos) return {};
  return written.substr(first, written.find_last_not_of(kAround) - first + 1);
}

std::string label_problem(std::string_view label) {
  if (valid_utf8_prefix(label) != label.size()) {
    return "the label " + quoted_text(label) + " is not UTF-8";
  }
  if (label.find_first_of("\t\r\n") != label.npos) {
    return "the label " + quoted_text(label) + " holds a tab or a line end";
  }
  return "";
}

std::string quoted_text(std::string_view text) {
  std::string quoted = "'";
  while (!text.empty()) {
    const size_t valid = valid_utf8_prefix(text);
    quoted += text.substr(0, valid);
    text.remove_prefix(valid);
    if (text.empty()) break;
    std::array<char, 8> escape;
    std::snprintf(escape.data(), escape.size(), "\\x%02X", static_cast<unsigned char>(text[0]));
    quoted += escape.data();
    text.remove_prefix(1);
  }
  return quoted + "'";
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
