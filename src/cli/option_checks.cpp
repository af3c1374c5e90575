#include "option_checks.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>

#include <CLI/CLI.hpp>

#include "linformer/core/format.h"

namespace linformer {
namespace {

std::optional<double> number_in(const std::string& text) {
  try {
    size_t used = 0;
    const double value = std::stod(text, &used);
    if (used == text.size() && std::isfinite(value)) return value;
  } catch (const std::exception&) {
  }
  return std::nullopt;
}

/// "{a,b}"
std::string in_braces(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "{" : ",") + name;
  return text + "}";
}

/// A check of a number; `allowed` continues "is not".
CLI::Validator number_check(const std::string& allowed, std::function<bool(double)> accepts) {
  return {[allowed, accepts = std::move(accepts)](std::string& text) -> std::string {
            const auto value = number_in(text);
            if (!value) return "'" + text + "' is not a number";
            return accepts(*value) ? "" : text + " is not " + allowed;
          },
          allowed, ""};
}

}  // namespace

CLI::Validator fits_an_integer() {
  return {[](std::string& text) -> std::string {
            int64_t value = 0;
            const char* const begin = text.data() + (text.starts_with("+") ? 1 : 0);
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(begin, end, value);
            if (error == std::errc::result_out_of_range) return text + " does not fit into 64 bits";
            return error == std::errc() && stop == end ? ""
                                                       : "'" + text + "' is not a whole number";
          },
          "", ""};
}

CLI::Validator takes_at_least(int64_t least) {
  return number_check(std::to_string(least) + " or more",
                      [least](double value) { return value >= static_cast<double>(least); });
}

CLI::Validator takes_zero_or_at_least(int64_t least) {
  return number_check("0, or " + std::to_string(least) + " or more", [least](double value) {
    return value == 0.0 || value >= static_cast<double>(least);
  });
}

CLI::Validator takes_above_zero() {
  return number_check("above 0", [](double value) { return value > 0.0; });
}

CLI::Validator takes_between(double least, double most) {
  constexpr int kDigits = 10;
  return number_check(format_number(least, kDigits) + " to " + format_number(most, kDigits),
                      [=](double value) { return least <= value && value <= most; });
}

CLI::Validator takes_one_of(std::vector<std::string> names) {
  const std::string allowed = in_braces(names);
  return {[allowed, names = std::move(names)](std::string& text) -> std::string {
            if (std::find(names.begin(), names.end(), text) != names.end()) return "";
            const std::string nearest = nearest_name(text, names);
            return "'" + text + "' is none of " + allowed +
                   (nearest.empty() ? "" : "; did you mean " + nearest + "?");
          },
          allowed, ""};
}

CLI::Validator offers(std::vector<std::string> names) {
  return {[](std::string&) -> std::string { return ""; }, in_braces(names), ""};
}

CLI::Validator takes_one_of_names(std::span<const std::string_view> names) {
  return takes_one_of(std::vector<std::string>(names.begin(), names.end()));
}

}  // namespace linformer
