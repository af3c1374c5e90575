#include "linformer/report/csv.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(Csv, QuotesWhatNeedsIt) {
  EXPECT_EQ(csv_field("plain text; 1.5"), "plain text; 1.5");
  EXPECT_EQ(csv_field(""), "");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"a\""), "\"say \"\"a\"\"\"");
  EXPECT_EQ(csv_field("a\nb"), "\"a\nb\"");
  EXPECT_EQ(csv_field("a\rb"), "\"a\rb\"");
  EXPECT_EQ(csv_field(" a"), "\" a\"");
}

TEST(Csv, EndsEachLine) {
  EXPECT_EQ(csv_text({"n", "k"}, {{"512", "1,2"}, {"", ""}}), "n,k\r\n512,\"1,2\"\r\n,\r\n");
  EXPECT_EQ(csv_text({"n"}, {{""}}), "n\r\n\"\"\r\n");
}

TEST(Csv, RefusesRowsOfAnotherWidth) {
  EXPECT_THROW(csv_text({"n", "k"}, {{"512"}}), std::invalid_argument);
}

}  // namespace
}  // namespace linformer
