#include "linformer/data/label_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
}

TEST(LabelText, QuotesBytesThatAreNoText) {
  EXPECT_EQ(quoted_text("\xFF"
                        "a\xC3\xA9\xC3"),
            "'\\xFFa\xC3\xA9\\xC3'");
}

TEST(LabelText, RemarksOnLabelsThatMayMeanTheSame) {
  EXPECT_THAT(label_remarks({"US", "UK", "us"}), ElementsAre(HasSubstr("'US' and 'us' differ by")));
  EXPECT_THAT(label_remarks({"1", "2", "1.0"}),
              ElementsAre(HasSubstr("'1' and '1.0' are the same number")));
  EXPECT_THAT(label_remarks({"1", "2", "10", "a", "b"}), IsEmpty());
}

}  // namespace
}  // namespace linformer
