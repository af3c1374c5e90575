#include "linformer/text/tokenizer_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/core/error.h"
#include "linformer/text/tokenizer.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

class TokenizerTrainerTest : public ::testing::Test {
 protected:
  TokenizerTrainerTest() {
    write_file(folder_.file("text.txt"), sample_text().substr(0, 300'000));
    training_.inputs = {folder_.file("text.txt")};
    training_.vocab_size = 600;
  }
  std::string model() const {
    return train_tokenizer(training_, [](uint64_t) { return true; }).model_bytes;
  }

  TemporaryFolder folder_;
  TokenizerTraining training_;
};

TEST_F(TokenizerTrainerTest, SameSeedSameBytes) {
  training_.sample_sentences = 1500;  // fewer than there are, so that the draw matters
  const std::string first = model();
  EXPECT_TRUE(model() == first);
  training_.seed = 2;
  EXPECT_FALSE(model() == first);
}

TEST_F(TokenizerTrainerTest, VocabularyCountsTheSpecialTokens) {
  const Tokenizer tokenizer(model());
  EXPECT_EQ(tokenizer.vocab_size(), 600);
}

TEST_F(TokenizerTrainerTest, CountsWhatItReads) {
  write_file(folder_.file("two.txt"), "One here. Two here.\n\nBad \xFF here.\n");
  training_.inputs.push_back(folder_.file("two.txt"));
  const auto both = train_tokenizer(training_, [](uint64_t) { return true; });
  training_.inputs.pop_back();
  const auto one = train_tokenizer(training_, [](uint64_t) { return true; });
  EXPECT_EQ(both.documents - one.documents, 2);
  EXPECT_EQ(both.sentences - one.sentences, 3);
  EXPECT_EQ(both.invalid_utf8, 1u);
}

TEST_F(TokenizerTrainerTest, WithoutByteFallbackRareCharactersAreUnknown) {
  training_.byte_fallback = false;
  const Tokenizer tokenizer(model());
  EXPECT_THAT(tokenizer.encode("\xE6\x97\xA5"), ::testing::Contains(kUnkId));
}

TEST_F(TokenizerTrainerTest, MaskIsOneMoreRecord) {
  // Field 1 (pieces), 17 bytes: piece "<mask>", score 0.0F, type CONTROL.
  EXPECT_EQ(append_mask_piece("x"), std::string("x\x0A\x0F\x0A\x06<mask>\x15\0\0\0\0\x18\x03", 18));
}

TEST_F(TokenizerTrainerTest, RefusesAVocabularyThatTheTextCannotFill) {
  write_file(folder_.file("small.txt"), "a b c d e f g. A few words only.\n");
  training_.inputs = {folder_.file("small.txt")};
  training_.vocab_size = 5000;
  EXPECT_THAT(message_of<UsageError>([&] { model(); }),
              HasSubstr("--vocab-size: 5000 does not suit"));
}

TEST_F(TokenizerTrainerTest, RefusesOptionsOutOfRange) {
  training_.vocab_size = 100;  // 256 bytes do not fit
  EXPECT_THAT(message_of<UsageError>([&] { model(); }), HasSubstr("--vocab-size: 100"));
  training_.vocab_size = 600;
  training_.character_coverage = 1.5;
  EXPECT_THAT(message_of<UsageError>([&] { model(); }), HasSubstr("--character-coverage: 1.5"));
  training_.character_coverage = 1.0;
  training_.inputs.clear();
  EXPECT_THAT(message_of<UsageError>([&] { model(); }), HasSubstr("--input: no text"));
}

TEST_F(TokenizerTrainerTest, ErrorsWhileReadingKeepTheirMessage) {
  write_file(folder_.file("bad.txt"), std::string("text\0text", 9));
  training_.inputs.push_back(folder_.file("bad.txt"));
  EXPECT_THAT(message_of<RunError>([&] { model(); }), HasSubstr("bad.txt: byte 4 is NUL"));
}

TEST_F(TokenizerTrainerTest, StopsWhenAsked) {
  write_file(folder_.file("all.txt"), sample_text());  // more sentences than between two questions
  training_.inputs = {folder_.file("all.txt")};
  EXPECT_THAT(
      message_of<RunError>([&] { train_tokenizer(training_, [](uint64_t) { return false; }); }),
      HasSubstr("stopped"));
}

}  // namespace
}  // namespace linformer
