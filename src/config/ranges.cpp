#include "linformer/config/ranges.h"

#include <bit>
#include <cmath>

#include "scalar.h"

#include "linformer/config/config_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

/// Large limits are powers of two, and nobody counts the digits of 1125899906842624.
std::string text_of_bound(int64_t bound) {
  const auto bits = static_cast<uint64_t>(bound);
  if (bound >= int64_t{1} << 20 && std::has_single_bit(bits)) {
    return "2^" + std::to_string(std::countr_zero(bits));
  }
  return std::to_string(bound);
}

std::string text_of_bound(double bound) {
  return format_number(bound, 10);
}

struct RangeWriter {
  std::string operator()(const std::monostate&) const { return ""; }
  std::string operator()(const WholeRange& range) const {
    const std::string zero = range.takes_zero ? "0 or " : "";
    const std::string low = text_of_bound(range.low);
    if (range.high == std::numeric_limits<int64_t>::max()) return zero + "at least " + low;
    return zero + low + " to " + text_of_bound(range.high);
  }
  std::string operator()(const NumberRange& range) const {
    const std::string low = (range.takes_low ? "at least " : "above ") + text_of_bound(range.low);
    if (std::isinf(range.high)) return low;
    return low + " and " + (range.takes_high ? "at most " : "below ") + text_of_bound(range.high);
  }
};

/// What is wrong with the value of a field; "" if nothing is.
struct RangeChecker {
  std::string operator()(int64_t* value, const WholeRange& range) const {
    return range_problem(*value, range);
  }
  std::string operator()(double* value, const NumberRange& range) const {
    return range_problem(*value, range);
  }
  template <class T, class R>
  std::string operator()(const OptionalTarget<T>& target, const R& range) const {
    return target.value->has_value() ? (*this)(&**target.value, range) : "";
  }
  std::string operator()(std::vector<double>* values, const NumberRange& range) const {
    for (const double& value : *values) {
      if (std::string problem = range_problem(value, range); !problem.empty()) return problem;
    }
    return "";
  }
  template <class T, class R>
  std::string operator()(const T&, const R&) const {
    return "";  // no range
  }
};

}  // namespace

std::string range_text(const Range& range) {
  return std::visit(RangeWriter{}, range);
}

std::string range_problem(int64_t value, const WholeRange& range) {
  if (value == 0 && range.takes_zero) return "";
  if (value < range.low) return std::to_string(value) + " is too small";
  if (value > range.high) return std::to_string(value) + " is too large";
  return "";
}

std::string range_problem(double value, const NumberRange& range) {
  const bool high_enough = range.takes_low ? value >= range.low : value > range.low;  // not NaN
  const bool low_enough = range.takes_high ? value <= range.high : value < range.high;
  const std::string number = format_number(value, 10);
  if (!high_enough) {
    return number + (range.takes_low ? " is below " : " is not above ") + text_of_bound(range.low);
  }
  if (!low_enough) {
    return number + (range.takes_high ? " is above " : " is not below ") +
           text_of_bound(range.high);
  }
  return "";
}

void check_ranges(const FieldList& fields, const std::string& prefix) {
  for (const Field& field : fields) {
    const std::string key = prefix + field.name;
    if (const auto* section = std::get_if<FieldList>(&field.target)) {
      check_ranges(*section, key + ".");
      continue;
    }
    const std::string problem = std::visit(RangeChecker{}, field.target, field.range);
    if (!problem.empty()) fail_usage(key, problem, "give " + type_of(field.target, field.range));
  }
}

}  // namespace linformer
