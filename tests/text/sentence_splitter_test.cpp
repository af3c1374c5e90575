#include "linformer/text/sentence_splitter.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> split(std::string_view text, LineEnds line_ends = LineEnds::kBreak) {
  std::vector<std::string_view> sentences;
  split_sentences(text, line_ends, sentences);
  return {sentences.begin(), sentences.end()};
}

TEST(SentenceSplitter, EndsAtTerminatorsBeforeCapitalsAndDigits) {
  EXPECT_THAT(split("It rains. We stay! Why? 12 came.  Done"),
              ElementsAre("It rains.", "We stay!", "Why?", "12 came.", "Done"));
  EXPECT_THAT(split("Wait... Go on?! Yes."), ElementsAre("Wait...", "Go on?!", "Yes."));
}

TEST(SentenceSplitter, GoesOnBeforeLowerCaseAndWithoutBlank) {
  EXPECT_THAT(split("He asked why? and left. Pi is 3.14 or so, see a.Example.org today."),
              ElementsAre("He asked why? and left.", "Pi is 3.14 or so, see a.Example.org today."));
}

TEST(SentenceSplitter, KeepsClosersWithTheirSentence) {
  EXPECT_THAT(split("\"Stop.\" She left. (It was late.) \xE2\x80\x9CGo!\xE2\x80\x9D "
                    "\xE2\x80\x9CNo.\xE2\x80\x9D"),
              ElementsAre("\"Stop.\"", "She left.", "(It was late.)", "\xE2\x80\x9CGo!\xE2\x80\x9D",
                          "\xE2\x80\x9CNo.\xE2\x80\x9D"));
}

TEST(SentenceSplitter, KnowsAbbreviationsAndInitials) {
  EXPECT_THAT(split("Mr. Smith met Dr. J. R. Jones vs. Prof. Lee. They spoke."),
              ElementsAre("Mr. Smith met Dr. J. R. Jones vs. Prof. Lee.", "They spoke."));
  EXPECT_THAT(split("The U.S. Army, i.e. Bob, left at 5 p.m. Monday. Fine."),
              ElementsAre("The U.S. Army, i.e. Bob, left at 5 p.m. Monday.", "Fine."));
  EXPECT_THAT(split("See no. 5 and fig. 2. He said no. Then he left."),
              ElementsAre("See no. 5 and fig. 2.", "He said no.", "Then he left."));
  EXPECT_THAT(split("So did I. The end."), ElementsAre("So did I.", "The end."));
}

TEST(SentenceSplitter, KeepsNumbersOfLists) {
  EXPECT_THAT(split("1. First things. 2. Second things."),
              ElementsAre("1. First things.", "2. Second things."));
}

TEST(SentenceSplitter, LineEndsBreakOrJoin) {
  const std::string text = "A heading\nThe first line\ngoes on. Then more.\n\nnext paragraph";
  EXPECT_THAT(split(text), ElementsAre("A heading", "The first line", "goes on.", "Then more.",
                                       "next paragraph"));
  EXPECT_THAT(split(text, LineEnds::kJoin),
              ElementsAre("A heading\nThe first line\ngoes on.", "Then more.", "next paragraph"));
  EXPECT_THAT(split("One ends.\nTwo ends.\nand three", LineEnds::kJoin),
              ElementsAre("One ends.", "Two ends.\nand three"));
  EXPECT_THAT(split("Ends.\n\nlower case", LineEnds::kJoin), ElementsAre("Ends.", "lower case"));
}

TEST(SentenceSplitter, HandlesOtherScripts) {
  // Full-width stops need no blank behind; capitals beyond ASCII count.
  EXPECT_THAT(
      split("\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82\xE5\x86\x8D\xE8\xA7\x81\xEF\xBC\x81"),
      ElementsAre("\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82", "\xE5\x86\x8D\xE8\xA7\x81\xEF\xBC\x81"));
  EXPECT_THAT(split("Fin. \xC3\x89t\xC3\xA9. \xC3\xA9t\xC3\xA9"),
              ElementsAre("Fin.", "\xC3\x89t\xC3\xA9. \xC3\xA9t\xC3\xA9"));
}

TEST(SentenceSplitter, IsEmptyForBlankText) {
  EXPECT_THAT(split(""), IsEmpty());
  EXPECT_THAT(split(" \n\n\t "), IsEmpty());
  EXPECT_THAT(split("..."), ElementsAre("..."));
}

TEST(SentenceSplitter, LosesNothingButBlanks) {
  const auto squeeze = [](std::string_view text) {
    std::string kept;
    for (const char c : text) {
      if (c != ' ' && c != '\n') kept += c;
    }
    return kept;
  };
  for (const LineEnds line_ends : {LineEnds::kBreak, LineEnds::kJoin}) {
    std::string joined;
    for (const std::string& sentence : split(sample_text(), line_ends)) {
      EXPECT_FALSE(sentence.empty());
      joined += sentence;
    }
    EXPECT_TRUE(squeeze(joined) == squeeze(sample_text()));
  }
}

}  // namespace
}  // namespace linformer
