#include "linformer/core/json_text.h"

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

namespace linformer {

namespace {

/// Whether brackets outside strings are nested deeper than kMaxNesting.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxNesting) return true;
    } else if (c == ']' || c == '}') {
      depth = std::max(0, depth - 1);
    }
  }
  return false;
}

/// Remembers the first key that an object has twice.
template <class Json>
class KeyWatch {
 public:
  bool operator()(typename Json::parse_event_t event, const Json& parsed) {
    using Event = typename Json::parse_event_t;
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && repeated.empty()) {
      const auto& key = parsed.template get_ref<const std::string&>();
      if (!keys_.back().insert(key).second) repeated = key;
    }
    return true;
  }

  std::string repeated;

 private:
  std::vector<std::set<std::string>> keys_;  // of each open object
};

template <class Json>
ParsedJson<Json> refused(std::string problem) {
  return {Json(Json::value_t::discarded), std::move(problem)};
}

}  // namespace

template <class Json>
ParsedJson<Json> parse_json(std::string_view text, RepeatedKeys repeated) {
  if (is_too_deep(text)) {
    return refused<Json>("is nested more than " + std::to_string(kMaxNesting) + " levels deep");
  }
  try {
    if (repeated == RepeatedKeys::kLastCounts) return {Json::parse(text), ""};
    KeyWatch<Json> watch;
    Json value = Json::parse(text, [&](int, typename Json::parse_event_t event, Json& parsed) {
      return watch(event, parsed);
    });
    if (!watch.repeated.empty()) return refused<Json>("holds " + watch.repeated + " twice");
    return {std::move(value), ""};
  } catch (const typename Json::parse_error& error) {
    return refused<Json>("is not valid JSON, at character " + std::to_string(error.byte));
  } catch (const typename Json::out_of_range&) {
    return refused<Json>("is not valid JSON: a number is beyond the range of a double");
  }
}

template <class Json>
std::optional<int64_t> whole_number_of(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() &&
      value.template get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return std::nullopt;
  }
  return value.template get<int64_t>();
}

template <class Json>
std::string json_text(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

template ParsedJson<nlohmann::json> parse_json(std::string_view, RepeatedKeys);
template ParsedJson<nlohmann::ordered_json> parse_json(std::string_view, RepeatedKeys);
template std::optional<int64_t> whole_number_of(const nlohmann::json&);
template std::optional<int64_t> whole_number_of(const nlohmann::ordered_json&);
template std::string json_text(const nlohmann::json&, int);
template std::string json_text(const nlohmann::ordered_json&, int);

}  // namespace linformer
