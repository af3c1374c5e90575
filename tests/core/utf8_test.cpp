#include "linformer/core/utf8.h"

#include <gtest/gtest.h>

namespace linformer {
namespace {

const std::string kReplacement = "\xEF\xBF\xBD";

std::string repaired(std::string_view text, size_t expected_count) {
  std::string out;
  EXPECT_EQ(append_repaired_utf8(text, out), expected_count) << out;
  return out;
}

TEST(Utf8, KeepsValidTextOfEveryLength) {
  // One to four bytes a character, and ASCII stretches longer than the eight bytes of a word.
  const std::string text = "plain text, then \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 and more plain";
  EXPECT_EQ(valid_utf8_prefix(text), text.size());
  EXPECT_EQ(repaired(text, 0), text);
  EXPECT_EQ(repaired("", 0), "");
}

TEST(Utf8, ReplacesEachMaximalSubpartOnce) {
  EXPECT_EQ(repaired("a\xFFz", 1), "a" + kReplacement + "z");
  EXPECT_EQ(repaired("a\xC3", 1), "a" + kReplacement);  // cut in a character
  EXPECT_EQ(repaired("\xE2\x82z", 1), kReplacement + "z");
  EXPECT_EQ(repaired("\x80\x80", 2), kReplacement + kReplacement);
  // The example of the Unicode standard, table 3-8: 61 F1 80 80 E1 80 C2 62 80 63 80 BF 64.
  EXPECT_EQ(repaired("a\xF1\x80\x80\xE1\x80\xC2"
                     "b\x80"
                     "c\x80\xBF"
                     "d",
                     6),
            "a" + kReplacement + kReplacement + kReplacement + "b" + kReplacement + "c" +
                kReplacement + kReplacement + "d");
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndTooLargeValues) {
  for (const char* bad :
       {"\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80"}) {
    EXPECT_EQ(valid_utf8_prefix(bad), 0u);
    EXPECT_EQ(utf8_character_length(bad), 0u);
  }
  EXPECT_EQ(utf8_character_length("\xED\x9F\xBF"), 3u);      // U+D7FF, below the surrogates
  EXPECT_EQ(utf8_character_length("\xF4\x8F\xBF\xBF"), 4u);  // U+10FFFF, the last
}

TEST(Utf8, FindsTheFirstBadByteBehindLongAscii) {
  for (size_t length = 0; length < 40; ++length) {
    const std::string text = std::string(length, 'x') + "\xFFyyyyyyyyyyyy";
    EXPECT_EQ(valid_utf8_prefix(text), length);
  }
}

TEST(Utf8, DecodesCodePoints) {
  EXPECT_EQ(utf8_code_point("A"), 0x41u);
  EXPECT_EQ(utf8_code_point("\xC3\xA9"), 0xE9u);
  EXPECT_EQ(utf8_code_point("\xE2\x82\xAC"), 0x20ACu);
  EXPECT_EQ(utf8_code_point("\xF0\x9F\x98\x80"), 0x1F600u);
}

TEST(Utf8, BoundariesDoNotCutCharacters) {
  const std::string text =
      "a\xE2\x82\xAC"
      "b";  // a, three bytes of the euro sign, b
  EXPECT_EQ(utf8_boundary_before(text, 0), 0u);
  EXPECT_EQ(utf8_boundary_before(text, 1), 1u);
  EXPECT_EQ(utf8_boundary_before(text, 2), 1u);
  EXPECT_EQ(utf8_boundary_before(text, 3), 1u);
  EXPECT_EQ(utf8_boundary_before(text, 4), 4u);
  EXPECT_EQ(utf8_boundary_before(text, 99), text.size());
}

}  // namespace
}  // namespace linformer
