#include "linformer/core/format.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(Format, Counts) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_count(1, "run"), "1 run");
  EXPECT_EQ(format_count(0, "run"), "0 runs");
  EXPECT_EQ(format_count(1234, "run"), "1,234 runs");
  EXPECT_EQ(format_count(-123), "-123");
  EXPECT_EQ(format_count(-1234), "-1,234");
  EXPECT_EQ(format_count(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(Format, Bytes) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(17), "17 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(312 * 1024), "312 KiB");
  EXPECT_EQ(format_bytes(1.5 * 1024 * 1024 * 1024), "1.5 GiB");
  EXPECT_EQ(format_bytes(1024.0 * 1024 - 1), "1.0 MiB");  // never "1024 KiB"
  EXPECT_EQ(format_bytes(-2048), "-2.0 KiB");
}

TEST(Format, Durations) {
  EXPECT_EQ(format_duration(0), "0.0s");
  EXPECT_EQ(format_duration(6.1), "6.1s");
  EXPECT_EQ(format_duration(59.96), "1m 00s");  // never "60.0s"
  EXPECT_EQ(format_duration(245), "4m 05s");
  EXPECT_EQ(format_duration(3599.7), "1h 00m 00s");
  EXPECT_EQ(format_duration(3723), "1h 02m 03s");
  EXPECT_EQ(format_duration(2 * 86400 + 3 * 3600 + 4 * 60), "2d 03h 04m");
  EXPECT_EQ(format_duration(-5), "-5.0s");
  EXPECT_EQ(format_duration(std::nan("")), "?");
}

TEST(Format, Numbers) {
  EXPECT_EQ(format_number(3.14159265), "3.142");
  EXPECT_EQ(format_number(0.0005, 2), "0.0005");
  EXPECT_EQ(format_fixed(2.5, 3), "2.500");
  EXPECT_EQ(format_fixed(-0.125, 2), "-0.12");
}

TEST(EditDistance, HandComputed) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("", "ab"), 2u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("flaw", "lawn"), 2u);
  EXPECT_EQ(edit_distance("same", "same"), 0u);
}

TEST(NearestName, SuggestsWithinAThird) {
  const std::vector<std::string> names = {"hidden_size", "vocab_size", "max_steps"};
  EXPECT_EQ(nearest_name("hiden_size", names), "hidden_size");
  EXPECT_EQ(nearest_name("max_step", names), "max_steps");
  EXPECT_EQ(nearest_name("vocabulary_size", names), "vocab_size");  // 5 of 15 letters
  EXPECT_EQ(nearest_name("learning_rate", names), "");
  EXPECT_EQ(nearest_name("n", {"k"}), "");
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(FormatTable, AlignsTextLeftAndNumbersRight) {
  EXPECT_EQ(format_table({{"model", "loss"}, {"standard", "3.5"}, {"x", "10.25"}}),
            "model      loss\n"
            "--------  -----\n"
            "standard    3.5\n"
            "x         10.25\n");
}

TEST(FormatTable, CountsCharactersAndFillsShortRows) {
  EXPECT_EQ(format_table({{"a", "b"}, {"\xC3\xA9\xC3\xA9", "x"}, {"y"}}),
            "a   b\n"
            "--  -\n"
            "\xC3\xA9\xC3\xA9  x\n"
            "y\n");
  EXPECT_EQ(format_table({}), "");
}

TEST(CommaSeparated, LeavesListsWhole) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(comma_separated("a,b"), (Words{"a", "b"}));
  EXPECT_EQ(comma_separated("a,,b,"), (Words{"a", "b"}));
  EXPECT_EQ(comma_separated(""), Words{});
  EXPECT_EQ(comma_separated(",,"), Words{});
  EXPECT_EQ(comma_separated("[1,2],[3,4],{a: [5,6]}"), (Words{"[1,2]", "[3,4]", "{a: [5,6]}"}));
  EXPECT_EQ(comma_separated(" a, b c , ,[1, 2]"), (Words{"a", "b c", "[1, 2]"}));
  EXPECT_EQ(comma_separated("1],2"), (Words{"1]", "2"}));
}

}  // namespace
}  // namespace linformer
