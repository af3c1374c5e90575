#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace linformer {

/// The deepest nesting of lists and objects that is read, in JSON and in YAML. The files of this
/// project and of transformers have less than ten levels; without a bound a line of 100,000
/// brackets overflows the stack of whatever walks through the value.
inline constexpr int kMaxNesting = 100;

/// What a text says, or what is wrong with it.
template <class Json>
struct ParsedJson {
  Json value;           ///< discarded (so of no type) where there is a problem
  std::string problem;  ///< "is not valid JSON, at character 7"; "" = none
};

/// What an object that has a key twice means: libraries disagree.
enum class RepeatedKeys { kLastCounts, kRefused };

/// Parses JSON that comes from outside. Every reader of the project calls this and nothing else
/// (tests/architecture), so that the bound on nesting, numbers beyond a double and malformed UTF-8
/// are met in one place. Json is nlohmann::json or nlohmann::ordered_json.
template <class Json>
ParsedJson<Json> parse_json(std::string_view text,
                            RepeatedKeys repeated = RepeatedKeys::kLastCounts);

/// The value as a whole number; nothing for every other type (1.0 and true as well) and for what
/// an int64_t does not hold: nlohmann's get() would wrap 18446744073709551516 to -100.
template <class Json>
std::optional<int64_t> whole_number_of(const Json& value);

/// JSON as text. Strings that are not UTF-8, such as a file's name, get U+FFFD where they are
/// malformed: what was computed is not lost for a name.
template <class Json>
std::string json_text(const Json& value, int indent = -1);

}  // namespace linformer
