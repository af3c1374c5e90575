#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>

namespace linformer {

// Limits far above any real run, low enough that what is computed from them fits 64 bits: all
// numbers of a model are below 2^58.
inline constexpr int64_t kLargestSize = int64_t{1} << 24;  // of vocabulary and lengths
inline constexpr int64_t kLargestWidth = int64_t{1} << 20;
inline constexpr int64_t kMostLayers = 4096;
inline constexpr int64_t kMostSequences = int64_t{1} << 24;  // of a step
inline constexpr int64_t kLargestStep = int64_t{1} << 50;
inline constexpr int64_t kLargestThreadCount = 1024;

/// The whole numbers that a key takes: low to high, and 0 after or_zero().
struct WholeRange {
  int64_t low;
  int64_t high;
  bool takes_zero = false;

  constexpr WholeRange or_zero() const { return {low, high, true}; }
};

/// The numbers that a key takes: finite ones from low to high, each of the two with or without
/// itself.
struct NumberRange {
  double low;
  double high;
  bool takes_low;
  bool takes_high;

  constexpr NumberRange below(double bound) const { return {low, bound, takes_low, false}; }
  constexpr NumberRange up_to(double bound) const { return {low, bound, takes_low, true}; }
};

/// What a field takes besides its type.
using Range = std::variant<std::monostate, WholeRange, NumberRange>;

constexpr WholeRange between(int64_t low, int64_t high) {
  return {low, high};
}
constexpr WholeRange at_least(std::integral auto low) {
  return {low, std::numeric_limits<int64_t>::max()};
}
constexpr NumberRange at_least(std::floating_point auto low) {
  return {low, std::numeric_limits<double>::infinity(), true, false};
}
constexpr NumberRange positive() {
  return {0.0, std::numeric_limits<double>::infinity(), false, false};
}
/// 0 <= value < 1
constexpr NumberRange share() {
  return at_least(0.0).below(1.0);
}

/// "0 to 1000", "above 0 and below 1", for people; "" where there is no range.
std::string range_text(const Range& range);

/// What is wrong with a value, "-1 is too small"; "" if it is in the range.
std::string range_problem(int64_t value, const WholeRange& range);
std::string range_problem(double value, const NumberRange& range);

}  // namespace linformer
