#include "linformer/data/label_text.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(LabelText, LosesWhatStandsAround) {
  EXPECT_EQ(trimmed_label(" \tgood one\t\r\n"), "good one");
  EXPECT_EQ(trimmed_label("\t \n"), "");
  EXPECT_EQ(trimmed_label(""), "");
}

TEST(LabelText, SaysWhatCannotBeALabel) {
  EXPECT_EQ(label_problem("caf\xC3\xA9"), "");
  EXPECT_EQ(label_problem("caf\xE9"), "the label 'caf\\xE9' is not UTF-8");
  EXPECT_THAT(label_problem("a\tb"), HasSubstr("a tab or a line end"));
  EXPECT_THAT(label_problem("a\nb"), HasSubstr("a tab or a line end"));
  const std::vector<std::pair<std::string, std::string>> controls{
      {std::string("a\0b", 3), "'a\\x00b'"},
      {"\x1B[31mred", "'\\x1B[31mred'"},
      {"del\x7F", "'del\\x7F'"},
      {"a\xC2\x85"
       "b",
       "'a\\xC2\\x85b'"}};
  for (const auto& [label, quoted] : controls) {
    EXPECT_EQ(label_problem(label), "the label " + quoted + " holds a control character");
  }
  for (const char* fine : {"a\xC2\xA0z", "\xC3\x85", "\xE2\x80\x8D", "~"}) {
    EXPECT_EQ(label_problem(fine), "") << fine;
  }
}

TEST(LabelText, QuotesBytesThatAreNoText) {
  EXPECT_EQ(quoted_text("\xFF"
                        "a\xC3\xA9\xC3"),
            "'\\xFFa\xC3\xA9\\xC3'");
  EXPECT_EQ(quoted_text("a\tb\n"), "'a\\x09b\\x0A'");
}

TEST(LabelText, RemarksOnLabelsThatMayMeanTheSame) {
  EXPECT_THAT(label_remarks({"US", "UK", "us"}), ElementsAre(HasSubstr("'US' and 'us' differ by")));
  EXPECT_THAT(label_remarks({"1", "2", "1.0"}),
              ElementsAre(HasSubstr("'1' and '1.0' are the same number")));
  EXPECT_THAT(label_remarks({"+1", "-1", "1"}),
              ElementsAre(HasSubstr("'+1' and '1' are the same number")));
  EXPECT_THAT(label_remarks({"0", "1", "1e-400", "-0"}), SizeIs(2));
  EXPECT_THAT(label_remarks({"1", "2", "10", "a", "b", "+", "-1", "+-1"}), IsEmpty());
}

TEST(LabelText, NumbersAreWrittenInManyWays) {
  const double infinite = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<std::string, std::optional<double>>> texts{
      {"1", 1.0},         {"+1", 1.0},         {"-2.5", -2.5},        {"1e3", 1000.0},
      {"+1E-2", 0.01},    {".5", 0.5},         {"1e-400", 0.0},       {"-1e-400", -0.0},
      {"5e-324", 5e-324}, {"1e400", infinite}, {"-1e400", -infinite}, {"", {}},
      {"+", {}},          {"+-1", {}},         {"-+1", {}},           {"++1", {}},
      {"1 ", {}},         {"1,5", {}},         {"0x10", {}},          {"inf", {}},
      {"nan", {}},        {"+inf", {}},        {"1e-400x", {}},       {"one", {}}};
  for (const auto& [text, number] : texts) EXPECT_EQ(number_in(text), number) << text;
  EXPECT_EQ(whole_number_in("+7"), 7);
  EXPECT_EQ(whole_number_in("-7"), -7);
  for (const char* text : {"", "+", "+-7", "1.0", "1e3", "9223372036854775808"}) {
    EXPECT_EQ(whole_number_in(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace linformer
