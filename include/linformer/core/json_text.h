#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace linformer {

/// The deepest nesting of lists and objects that is read, in JSON and in YAML. The files of this
/// project and of transformers have fewer than ten levels. Without a bound, a line of 100,000
/// brackets would overflow the stack of any code that walks through the value.
inline constexpr int kMaxNesting = 100;

/// The parsed value of a text, or what is wrong with the text.
template <class Json>
struct ParsedJson {
  Json value;           ///< discarded (so of no type) if there is a problem
  std::string problem;  ///< "is not valid JSON, at character 7"; "" = none
};

/// How to treat an object that has a key twice; libraries disagree about it.
enum class RepeatedKeys { kLastCounts, kRefused };

/// Parses JSON from outside. Every reader of the project calls this function and no other parser
/// (tests/architecture). So the bound on nesting, numbers beyond a double and malformed UTF-8 are
/// handled in one place. Json is nlohmann::json or nlohmann::ordered_json.
template <class Json>
ParsedJson<Json> parse_json(std::string_view text,
                            RepeatedKeys repeated = RepeatedKeys::kLastCounts);

/// The value as a whole number. Nothing for every other type (also 1.0 and true) and for numbers
/// that do not fit into an int64_t: nlohmann's get() would wrap 18446744073709551516 to -100.
template <class Json>
std::optional<int64_t> whole_number_of(const Json& value);

/// JSON as text. In strings that are not UTF-8, such as file names, malformed bytes become U+FFFD,
/// so that a name never prevents results from being written.
template <class Json>
std::string json_text(const Json& value, int indent = -1);

}  // namespace linformer
