#include "linformer/core/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace linformer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string nested(const std::string& open, const std::string& close, size_t levels) {
  std::string text;
  for (size_t i = 0; i < levels; ++i) text += open;
  text += "1";
  for (size_t i = 0; i < levels; ++i) text += close;
  return text;
}

TEST(ParseJson, GivesTheValueOrWhatIsWrong) {
  EXPECT_EQ(parse_json<json>("{\"a\": [1, 2]}").value, (json{{"a", {1, 2}}}));
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "is not valid JSON, at character 1"},
      {"{\"a\": ", "is not valid JSON"},
      {"[1, 2", "is not valid JSON"},
      {"{} {}", "is not valid JSON, at character 4"},
      {"\"caf\xe9\"", "is not valid JSON"},
      {"NaN", "is not valid JSON"},
      {"1e999", "a number is beyond the range of a double"},
      {"[-1e400]", "a number is beyond the range of a double"},
  };
  for (const auto& [text, problem] : cases) {
    const auto parsed = parse_json<json>(text);
    EXPECT_THAT(parsed.problem, HasSubstr(problem)) << text;
    EXPECT_TRUE(parsed.value.is_discarded()) << text;
  }
}

TEST(ParseJson, BoundsTheNesting) {
  const size_t most = kMaxNesting;
  for (const size_t levels : {most + 1, size_t{5'000'000}}) {
    for (const auto& [open, close] : {std::pair{"[", "]"}, std::pair{"{\"a\":", "}"}}) {
      EXPECT_THAT(parse_json<json>(nested(open, close, levels)).problem,
                  HasSubstr("is nested more than 100 levels deep"));
    }
    // Never closed, and behind a string that looks like an end.
    EXPECT_THAT(
        parse_json<nlohmann::ordered_json>("[\"]\\\"\"," + std::string(levels, '[')).problem,
        HasSubstr("is nested more than 100 levels deep"));
  }
  EXPECT_THAT(parse_json<json>(nested("[", "]", most)).problem, IsEmpty());
  // Neighbours and brackets in strings are no nesting.
  std::string many = "[";
  for (int i = 0; i < 1000; ++i) many += "[\"[[[{{{\\\"[\"],";
  EXPECT_THAT(parse_json<json>(many + "0]").problem, IsEmpty());
}

TEST(ParseJson, RefusesRepeatedKeysWhereAsked) {
  const std::string twice = "{\"b\": {\"a\": 1, \"c\": 2, \"a\": 3}}";
  EXPECT_EQ(parse_json<json>(twice, RepeatedKeys::kRefused).problem, "holds a twice");
  EXPECT_EQ(parse_json<json>(twice).value["b"]["a"], 3);
  EXPECT_THAT(parse_json<json>("[{\"a\": 1}, {\"a\": 1}]", RepeatedKeys::kRefused).problem,
              IsEmpty());
}

TEST(WholeNumberOf, NeverWraps) {
  const auto number = [](const std::string& text) {
    return whole_number_of(parse_json<json>(text).value);
  };
  EXPECT_EQ(number("-100"), -100);
  EXPECT_EQ(number("9223372036854775807"), 9223372036854775807);
  EXPECT_EQ(number("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  for (const char* text : {"9223372036854775808", "18446744073709551516", "18446744073709551616",
                           "-9223372036854775809", "1.0", "1e3", "true", "\"1\"", "null", "[1]"}) {
    EXPECT_FALSE(number(text).has_value()) << text;
  }
}

TEST(JsonText, WritesWhatIsNoUtf8) {
  EXPECT_EQ(json_text(json{{"file", "caf\xe9"}}), "{\"file\":\"caf\xEF\xBF\xBD\"}");
  EXPECT_EQ(json_text(json{{"a", 1}}, 2), "{\n  \"a\": 1\n}");
}

}  // namespace
}  // namespace linformer
