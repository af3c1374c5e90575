#include "linformer/text/json_repair.h"

#include <gtest/gtest.h>

namespace linformer {
namespace {

struct Repaired {
  std::string json;
  size_t num_replaced;
  bool operator==(const Repaired&) const = default;
};

Repaired repair(std::string_view json) {
  Repaired result;
  result.num_replaced = append_repaired_json(json, result.json);
  return result;
}

TEST(JsonRepair, HalvesOfSurrogatePairsBecomeU_FFFD) {
  EXPECT_EQ(repair(R"({"text": "a\ud83d"})"), (Repaired{R"({"text": "a\uFFFD"})", 1}));
  EXPECT_EQ(repair(R"("\ude00b")"), (Repaired{R"("\uFFFDb")", 1}));
  EXPECT_EQ(repair(R"("\ud83d\ud83d\ude00")"), (Repaired{R"("\uFFFD\ud83d\ude00")", 1}));
  EXPECT_EQ(repair(R"("\uDE00\uD83D")"), (Repaired{R"("\uFFFD\uFFFD")", 2}));
  EXPECT_EQ(repair(R"("\ud83dx\ude00")"), (Repaired{R"("\uFFFDx\uFFFD")", 2}));
  EXPECT_EQ(repair(R"("\ud83d\n")"), (Repaired{R"("\uFFFD\n")", 1}));
  EXPECT_EQ(repair(R"({"\ud83d": 1})"), (Repaired{R"({"\uFFFD": 1})", 1}));
}

TEST(JsonRepair, WhatIsWholeStays) {
  for (const char* json :
       {R"({"text": "\ud83d\ude00 \u00e9 \\ud83d \\\\ud83d \"NaN\" -Infinity"})", R"("\u12")",
        R"("\ud8)", R"("ends in a backslash \)", R"([-1, 2e-3, null, "NI-"])", "", "{", "\"\\\""}) {
    EXPECT_EQ(repair(json), (Repaired{json, 0})) << json;
  }
}

TEST(JsonRepair, PythonsNumbersThatAreNoneBecomeNull) {
  EXPECT_EQ(repair(R"({"text": NaN, "a": [Infinity,-Infinity, -1], "NaN": "NaN \" NaN"})"),
            (Repaired{R"({"text": null, "a": [null,null, -1], "NaN": "NaN \" NaN"})", 0}));
}

TEST(JsonRepair, MalformedUtf8BecomesU_FFFDToo) {
  EXPECT_EQ(repair("\"\xFF \\ud83d\""), (Repaired{"\"\xEF\xBF\xBD \\uFFFD\"", 2}));
}

}  // namespace
}  // namespace linformer
